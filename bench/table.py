# SPDX-License-Identifier: Apache-2.0
"""The bars of `make bench`, as a table and as docs/performance.md. Nothing is measured here: figures in, text out.

    bar = Bar("durable update / nginx", "a durable record update", ours=[...], peer="nginx ...", theirs=[...], aim=0.10)
    table([bar])                         # Markdown
    page([bar], machine, old_page)       # the whole document; profiles that were not taken now stay those of `old_page`
"""
import dataclasses
import re
import statistics

NOT_BUILT = ["SMS accepted over HTTP and sent over SMPP", "SIP call set-ups", "chat messages", "Bayeux fan-out",
             "push over HTTP/2", "mail", "text classes", "predictive pacing"]


@dataclasses.dataclass
class Bar:
    key: str                  # short and for life: profiles are kept under it
    name: str
    what: str = ""            # what one operation moves: payload, rows, fsyncs, connections
    unit: str = "/s"
    ours: list = dataclasses.field(default_factory=list)    # a figure a round
    peer: str = ""            # who, doing what
    theirs: list = dataclasses.field(default_factory=list)  # in the same run; a bound is one figure
    aim: float = 1.0          # of the ratio
    after: float = None       # the aim that comes after it
    less_is_better: bool = False
    cpu_us: dict = dataclasses.field(default_factory=dict)  # of an operation, by process
    peer_us: float = None     # and the peer's
    rss_mib: dict = dataclasses.field(default_factory=dict)  # by process, after the run
    profile: tuple = ()       # two lines: where the time goes
    trouble: str = ""         # why there are no figures

    @property
    def ratio(self):
        """Of the medians; more than 1: ahead of the peer."""
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        return theirs / ours if self.less_is_better else ours / theirs

    @property
    def is_met(self):
        return not self.trouble and self.ratio >= self.aim

    @property
    def verdict(self):
        if self.trouble:
            return "not measured"
        if not self.is_met:
            return "MISSED"
        return "met" if self.after is None or self.ratio >= self.after else f"met; {percent(self.after)} not yet"

    @property
    def spread(self):
        """How far the rounds of either side lie apart, of the median."""
        return max((max(side) - min(side)) / statistics.median(side) for side in (self.ours, self.theirs))


def percent(ratio):
    return f"{ratio * 100:.1f} %" if ratio < 10 else f"{ratio:.0f} times"


def ratios(bar):
    """The ratio, and that of processor time where both sides' is known: it says more on a busy machine."""
    by_cpu = f", by CPU {percent(bar.peer_us / sum(bar.cpu_us.values()))}" if bar.peer_us and bar.cpu_us else ""
    return percent(bar.ratio) + by_cpu


def number(value):
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}"


def figures(values, unit):
    """min / median / max, or the one there is."""
    edges = [min(values), statistics.median(values), max(values)] if len(values) > 1 else values
    return f"{' / '.join(number(value) for value in edges)} {unit}"


def costs(bar):
    """CPU of an operation, and memory."""
    cpu = " + ".join(f"{name} {spent:.1f}" if spent >= 1 else f"{name} {spent:.2g}" for name, spent in bar.cpu_us.items())
    rss = ", ".join(f"{name} {size:.0f}" for name, size in bar.rss_mib.items())
    peer = f"; the peer {bar.peer_us:.1f} µs" if bar.peer_us else ""
    return f"{cpu} µs{peer}" if cpu else "-", f"{rss} MiB" if rss else "-"


def line(bar):
    """For the terminal, as soon as it is measured."""
    if bar.trouble:
        return f"  {bar.key}: not measured: {bar.trouble}"
    return (f"  {bar.key}: {figures(bar.ours, bar.unit)}; {bar.peer}: {figures(bar.theirs, bar.unit)}; "
            f"{ratios(bar)}, aim {percent(bar.aim)}: {bar.verdict}")


def described(bar):
    return f"{bar.name}: {bar.what}" if bar.what else bar.name


def row(bar):
    if bar.trouble:
        return [bar.key, described(bar), "-", bar.peer or "-", "-", percent(bar.aim), f"not measured: {bar.trouble}", "-", "-"]
    aim = percent(bar.aim) + (f", then {percent(bar.after)}" if bar.after else "")
    verdict = f"**{bar.verdict}**" if not bar.is_met else bar.verdict
    return [bar.key, described(bar), figures(bar.ours, bar.unit), f"{bar.peer}: {figures(bar.theirs, bar.unit)}",
            ratios(bar), aim, verdict, *costs(bar)]


def table(bars):
    head = ["bar", "an operation, and what it moves", "Carillon (min / median / max)", "the peer, in the same run", "ratio", "aim", "",
            "CPU an operation", "memory"]
    lines = [head, ["---"] * len(head), *(row(bar) for bar in bars)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in lines) + "\n"


def profile_text(key, commit, lines):
    return f"**{key}** (at {commit})\n" + "".join(f"- {one}\n" for one in lines)


def profiles_of(text):
    """Key -> (commit, lines): what a page says about where the time goes."""
    found = re.findall(r"^\*\*(.+)\*\* \(at (.+)\)\n((?:- .+\n)+)", text, re.MULTILINE)
    return {key: (commit, tuple(one[2:] for one in lines.splitlines())) for key, commit, lines in found}


def profiles(bars, commit, old):
    """Bars that share their lines are named together; what was not taken now is kept, with its commit."""
    kept, by_lines = profiles_of(old), {}
    for bar in bars:
        taken = (commit, tuple(bar.profile)) if bar.profile else None
        told = taken or next((kept[key] for key in kept if bar.key in key.split(", ")), None)
        if told:
            by_lines.setdefault(told, []).append(bar.key)
    return "\n".join(profile_text(", ".join(keys), *told) for told, keys in by_lines.items())


def noise(bars):
    measured = [bar for bar in bars if not bar.trouble and max(len(bar.ours), len(bar.theirs)) > 1]
    if not measured:
        return ""
    widest = max(measured, key=lambda bar: bar.spread)
    usual = statistics.median(bar.spread for bar in measured)
    return (f"Rounds of one side lay {percent(usual)} of their median apart in the middle of all bars, and {percent(widest.spread)} "
            f"at worst ({widest.key}): a ratio nearer to its aim than that says little. ")


def page(bars, machine, old=""):
    """`machine`: date, commit, words (a line), run (a line)."""
    missed = [bar.key for bar in bars if not bar.trouble and not bar.is_met]
    absent = [f"{bar.key} ({bar.trouble})" for bar in bars if bar.trouble]
    verdict = f"Missed: {', '.join(missed)}." if missed else "No aim is missed."
    if absent:
        verdict += f" Not measured: {', '.join(absent)}."
    return f"""# What it does per second

Printed by `make bench SAVE=1`, never edited. Measured {machine['date']} at commit {machine['commit']}.
{machine['words']}
{machine['run']}

{table(bars)}
{verdict}
Not built yet, so without a bar: {', '.join(NOT_BUILT)}.

The ratio is that of the medians; above 100 % we are ahead of the peer. By CPU: the processor time of both instead.
Where a limit stands in place of a peer, it is the limit over what was used.

## Where the time goes

Shares of processor time, as perf sampled them in a round of its own that is not counted above.

{profiles(bars, machine['commit'], old)}
## How much to believe

{noise(bars)}Peers take turns with us in the same minutes, since this machine's speed
drifts; whoever sends the load shares its cores, so absolute figures are lower than those of a server with its cores to itself. Compare
ratios, or CPU an operation, and never figures of two runs.
"""
