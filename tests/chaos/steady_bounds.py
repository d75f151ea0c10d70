# SPDX-License-Identifier: Apache-2.0
"""What "flat" means for soak.py, and the arithmetic: Theil-Sen's slope, which a few outliers do not move,
and the medians of the first and the last quarter, all after the warm-up.

    python3 tests/chaos/steady_bounds.py soak.csv [WARM_UP_SECONDS]     judges a former run again"""
import csv
import statistics
import sys

FIELDS = ["at_s", "process", "pid", "rss_kib", "anon_kib", "heap_kib", "cache_kib", "descriptors", "threads", "cpu_s", "wal_kib", "p50_ms", "p99_ms",
          "machine_p99_ms"]

MEMORY_SHARE = 0.02        # of the median, per 10 minutes
# A process of a few MiB moves by pages that malloc keeps: below this nobody can tell growth from rest.
MEMORY_KIB = 256           # per 10 minutes
RESIDENT_FACTOR = 1.5      # of anonymous pages: what malloc keeps of a passing peak comes in steps
CACHE_KIB_MAX = 36 * 1024  # of the database engine: 16 MiB for each of two connections, and its statements
P99_FACTOR = 1.5           # of ours, or of ours in proportion to the machine's own, which others may use, too
WAL_KIB_MAX = 64 * 1024    # checkpoints begin at 16 MB; what runs meanwhile comes on top
COUNT_SPREAD = 2           # of the medians of descriptors: who is connected differs from sample to sample


def slope(points):
    """Per unit of x: the median of the slopes of all pairs."""
    slopes = [(y2 - y1) / (x2 - x1) for i, (x1, y1) in enumerate(points) for x2, y2 in points[i + 1:] if x2 > x1]
    return statistics.median(slopes) if slopes else 0.0


def quarters(values):
    size = max(len(values) // 4, 1)
    return statistics.median(values[:size]), statistics.median(values[-size:])


def judge_process(name, rows, before, after):
    """(the line of the table, what is wrong)."""
    is_told = any(row["heap_kib"] != "" for row in rows)
    # What malloc has handed out, where the process tells it; else its anonymous pages: shares of libraries move with the
    # other programs of the machine. The database engine's caches fill for as long as pages are met for the first time:
    # they have a bound of their own.
    memory = [(row["at_s"], row["heap_kib"] - row["cache_kib"] if row["heap_kib"] != "" else row["anon_kib"])
              for row in rows if not is_told or row["heap_kib"] != ""]
    resident = [row["anon_kib"] - (row["cache_kib"] or 0) for row in rows]
    cache = max(row["cache_kib"] or 0 for row in rows)
    per_10_min = slope(memory) * 600
    median = statistics.median(kib for _, kib in memory)
    allowed = max(MEMORY_SHARE * median, MEMORY_KIB)
    fds, threads = (quarters([row[field] for row in rows]) for field in ("descriptors", "threads"))
    cpu = (rows[-1]["cpu_s"] - rows[0]["cpu_s"]) / max(rows[-1]["at_s"] - rows[0]["at_s"], 1)
    first, last = quarters([kib for _, kib in memory])
    wal = max(row["wal_kib"] for row in rows)
    wrong = []
    if len({row["pid"] for row in rows}) > 1:
        wrong.append("it was started anew")
    if per_10_min > allowed:
        wrong.append(f"memory grows by {per_10_min:.0f} KiB in 10 min, {allowed:.0f} allowed")
    before_kib, after_kib = quarters(resident)
    if after_kib > before_kib * RESIDENT_FACTOR:
        wrong.append(f"resident memory went from {before_kib:.0f} to {after_kib:.0f} KiB, {RESIDENT_FACTOR} times allowed")
    if abs(fds[1] - fds[0]) > COUNT_SPREAD or before != after:
        wrong.append(f"descriptors {fds[0]:.0f} to {fds[1]:.0f}, at rest {before} to {after}")
    if threads[0] != threads[1]:
        wrong.append(f"threads {threads[0]:.0f} to {threads[1]:.0f}")
    if cache > CACHE_KIB_MAX:
        wrong.append(f"database caches of {cache:.0f} KiB")
    if wal > WAL_KIB_MAX:
        wrong.append(f"a write-ahead log of {wal} KiB")
    line = (f"{name:<11} {first:>8.0f} {last:>8.0f} {per_10_min:>+11.0f} {allowed:>8.0f} {before:>6}{after:>6} "
            f"{threads[1]:>8.0f} {cpu * 100:>6.1f} {wal:>8} {cache:>10.0f}")
    return line, wrong


def judge(samples, names, warm_up_s, before, after):
    """Prints the table; whether all is flat. `before`, `after`: name -> descriptors at rest."""
    is_flat = True
    print("process      own KiB first     last  per 10 min  allowed  fds at rest  threads  CPU %  WAL KiB max  cache max")
    for name in names:
        rows = [row for row in samples if row["process"] == name and row["at_s"] > warm_up_s]
        if len(rows) < 4:
            print(f"{name:<11} was seen {len(rows)} times only")
            is_flat = False
            continue
        line, wrong = judge_process(name, rows, before.get(name, "-"), after.get(name, "-"))
        is_flat = is_flat and not wrong
        print(line + (f"   NOT FLAT: {'; '.join(wrong)}" if wrong else ""))
    times = {row["at_s"]: row for row in samples if row["at_s"] > warm_up_s and row["p99_ms"] != ""}
    p50, p99, machine = (quarters([row[field] for row in times.values()])
                         for field in ("p50_ms", "p99_ms", "machine_p99_ms"))
    factor = p99[1] / p99[0]
    slower = machine[1] / machine[0]
    is_steady = min(factor, factor / slower) <= P99_FACTOR
    print(f"latency     p50 {p50[0]:.1f} to {p50[1]:.1f} ms, p99 {p99[0]:.1f} to {p99[1]:.1f} ms: {factor:.2f} times, "
          f"the machine's own {slower:.2f} times; {P99_FACTOR} allowed{'' if is_steady else '   NOT FLAT'}")
    return is_flat and is_steady


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        samples = [{key: value if key == "process" else float(value) if value else "" for key, value in row.items()}
                   for row in csv.DictReader(file)]
    warm_up_s = float(sys.argv[2]) if len(sys.argv) > 2 else max(row["at_s"] for row in samples) / 4
    judge(samples, list(dict.fromkeys(row["process"] for row in samples)), warm_up_s, {}, {})


if __name__ == "__main__":
    main()
