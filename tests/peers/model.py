# SPDX-License-Identifier: Apache-2.0
"""What the Recommendation says of a chart of charts.py: its appendix A, line by line and slow, plus named departures.

    run(chart, inputs) -> Trace
    run(chart, inputs, {"lcca-parallel"}) -> what an engine does that reckons the domain of a transition differently

A departure is a rule that a peer follows instead of the Recommendation's; docs/scxml-differences.md tells each. An engine's trace is
explained by the departures with which this model gives the same trace. Time is virtual and hops from one due send to the next."""
import dataclasses
import math

from charts import MODULUS, VARIABLES

MICROSTEPS_MAX = 60    # in a macrostep; a chart that needs more is passed over
MACROSTEPS_MAX = 100   # in all
LINES_MAX = 200        # of the log, of one input


class Restless(Exception):
    """The chart does not come to rest."""


class ScriptError(Exception):
    """What ECMAScript would throw."""


@dataclasses.dataclass
class Step:
    """After one input, when all that it set off is done."""
    configuration: list = dataclasses.field(default_factory=list)  # sorted ids of active atomic states
    log: list = dataclasses.field(default_factory=list)
    macrosteps: list = dataclasses.field(default_factory=list)     # the configuration after each; of the model and of ours alone


@dataclasses.dataclass
class Trace:
    steps: list = dataclasses.field(default_factory=list)  # [0]: the start
    final: str = None  # id of the top-level final state
    is_cut: bool = False  # the last step is told up to a point from where on nobody can say what comes; then final is None


@dataclasses.dataclass
class Event:
    name: str
    data: dict = None  # None: undefined; {}: an object without n


class Machine:
    def __init__(self, chart, departures=frozenset()):
        self.chart, self.departures = chart, departures
        self.active, self.history = set(), {}
        self.variables = dict(zip(VARIABLES, range(len(VARIABLES)))) | {"item": 0}
        self.internal, self.external, self.delayed = [], [], []
        self.now = self.sequence = 0
        self.event = None
        self.running, self.final = True, None
        self.step = None

    def departs(self, name):
        return name in self.departures

    # --- structure -----------------------------------------------------------------------------

    def state(self, name):
        return self.chart.by_id[name]

    def ancestors(self, state, stop=None):
        while state.parent is not None and state.parent is not stop:
            state = state.parent
            yield state

    def is_below(self, state, ancestor):
        return any(one is ancestor for one in self.ancestors(state))

    def effective_targets(self, one):
        targets = []
        for state in map(self.state, one.targets):
            if not state.is_history:
                targets.append(state)
            elif state.id in self.history:
                targets += self.history[state.id]
            else:
                targets += self.effective_targets(state.transitions[0])
        return targets

    def domain(self, source, one):
        targets = self.effective_targets(one)
        if not targets:
            return None
        if one.is_internal and source.is_compound and all(self.is_below(state, source) for state in targets):
            return source
        return self.common_ancestor(source, targets)

    def common_ancestor(self, source, targets):
        for ancestor in self.ancestors(source):
            if ancestor.kind in ("state", "scxml") and all(self.is_below(state, ancestor) for state in targets):
                return ancestor
        raise AssertionError("no common ancestor")

    def exit_set(self, transitions):
        left = set()
        for source, one in transitions:
            if one.targets:
                domain = self.domain(source, one)
                left |= {state.id for state in map(self.state, self.active) if self.is_below(state, domain)}
        return left

    def entry_order(self, states):
        return sorted(states, key=lambda state: state.index)

    # --- content -------------------------------------------------------------------------------

    def value(self, expr):
        kind, *rest = expr
        if kind == "num":
            return rest[0]
        if kind == "var":
            return self.variables[rest[0]]
        if kind in ("in", "bare in"):
            return self.is_in(rest[0])
        if kind == "data":
            if self.event is None or self.event.data is None:
                raise ScriptError
            return self.event.data.get("n", math.nan)
        if kind == "!":
            return not self.value(rest[0])
        if kind == "&&":
            return self.value(rest[0]) and self.value(rest[1])
        if kind == "||":
            return self.value(rest[0]) or self.value(rest[1])
        left, right = self.value(rest[0]), self.value(rest[1])
        return {"+": lambda: left + right, "*": lambda: left * right, "<": lambda: left < right, ">": lambda: left > right,
                "==": lambda: left == right, "!=": lambda: left != right}[kind]()

    def words(self, expr):
        """As String() has it."""
        value = self.value(expr)
        return str(value) if value == value else "undefined" if expr == ("data",) else "NaN"

    def is_in(self, name):
        return name in self.active

    def raise_error(self):
        self.internal.append(Event("error.execution"))

    def run_block(self, actions):
        """An error ends the block."""
        try:
            for action in actions:
                self.do(action)
        except ScriptError:
            self.raise_error()

    def say(self, text):
        self.step.log.append(text)
        if len(self.step.log) > LINES_MAX:
            raise Restless

    def do(self, action):
        kind, *rest = action
        if kind == "log":
            self.say(rest[0])
        elif kind == "show":
            self.say(f"{rest[0]} {self.words(rest[1])}")
        elif kind == "assign":
            self.variables[rest[0]] = self.value(rest[1]) % MODULUS
        elif kind == "raise":
            self.internal.append(Event(rest[0]))
        elif kind == "send":
            name, delay, send_id, expr = rest
            self.send(self.sent_event(name, None if expr is None else {"n": self.value(expr)}), delay, send_id)
        elif kind == "cancel":
            self.cancel(rest[0])
        elif kind == "if":
            for cond, actions in rest[0]:
                if cond is None or self.if_cond(cond):
                    for one in actions:
                        self.do(one)
                    break
        elif kind == "foreach":
            numbers, item, actions = rest
            for number in numbers:
                self.variables[item] = number
                for one in actions:
                    self.do(one)

    def sent_event(self, name, data):
        return Event(name, data)

    def if_cond(self, cond):
        """A cond that fails is false and an error; the block goes on."""
        return self.holds(cond)

    def send(self, event, delay, send_id):
        if delay is None:
            self.external.append(event)
        else:
            self.sequence += 1
            self.delayed.append((self.now + delay, self.sequence, event, send_id))

    def cancel(self, send_id):
        self.delayed = [one for one in self.delayed if one[3] != send_id]

    def holds(self, cond):
        try:
            return bool(self.value(cond))
        except ScriptError:
            self.raise_error()
            return False

    # --- selection -----------------------------------------------------------------------------

    def atomic(self):
        return [state for state in self.chart.states if state.id in self.active and state.is_atomic]

    def matches(self, descriptors, name):
        for token in descriptors.split():
            token = token.removesuffix(".*").removesuffix(".")
            if token == "*" or name == token or name.startswith(token + "."):
                return True
        return False

    def is_enabled(self, one, event):
        if event is None:
            if one.events:
                return False
        elif not one.events or not self.matches(one.events, event.name):
            return False
        return one.cond is None or self.holds(one.cond)

    def select(self, event):
        enabled = []
        for state in self.atomic():
            found = self.first_enabled(state, event)
            if found is not None and not any(one is found[1] for _, one in enabled):
                enabled.append(found)
        return self.without_conflicts(enabled)

    def first_enabled(self, state, event):
        for source in (state, *self.ancestors(state)):
            for one in sorted(source.transitions, key=lambda one: one.order):
                if self.is_enabled(one, event):
                    return source, one
        return None

    def without_conflicts(self, enabled):
        kept = []
        for source, one in enabled:
            displaced = []
            for other in kept:
                if self.exit_set([(source, one)]) & self.exit_set([other]):
                    if self.is_below(source, other[0]):
                        displaced.append(other)
                    else:
                        break
            else:
                kept = [other for other in kept if other not in displaced]
                kept.append((source, one))
        return kept

    # --- microstep -----------------------------------------------------------------------------

    def microstep(self, transitions):
        self.leave(transitions)
        for _, one in self.content_order(transitions):
            self.run_block([("log", one.name)] + one.actions)
        self.enter(transitions)

    def content_order(self, transitions):
        return transitions

    def leave(self, transitions):
        left = [self.state(name) for name in self.exit_set(transitions)]
        for state in left:
            self.keep_history(state)
        for state in reversed(self.entry_order(left)):
            self.leave_state(state)

    def keep_history(self, state):
        for one in state.children:
            if one.is_history:
                kept = [other for other in self.chart.states if other.id in self.active and
                        (other.is_atomic and self.is_below(other, state) if one.kind == "deep" else other.parent is state)]
                self.history[one.id] = kept

    def leave_state(self, state):
        for block in ([("log", "-" + state.id)], *state.onexit):
            self.run_block(block)
        self.active.discard(state.id)

    def enter(self, transitions):
        entering, by_default, history_content = [], set(), {}
        self.entry_set(transitions, entering, by_default, history_content)
        for state in self.entry_order(entering):
            self.enter_state(state, by_default, history_content)

    def entry_set(self, transitions, entering, by_default, history_content):
        for source, one in transitions:
            for name in one.targets:
                self.add_descendants(self.state(name), entering, by_default, history_content)
            if one.targets:
                ancestor = self.domain(source, one)
                for state in self.effective_targets(one):
                    self.add_ancestors(state, ancestor, entering, by_default, history_content)

    def add(self, entering, state):
        if not any(one is state for one in entering):
            entering.append(state)

    def add_descendants(self, state, entering, by_default, history_content):
        if state.is_history:
            if state.id in self.history:
                targets = self.history[state.id]
            else:
                history_content[state.parent.id] = state.transitions[0]
                targets = [self.state(name) for name in state.transitions[0].targets]
            for one in targets:
                self.add_descendants(one, entering, by_default, history_content)
            for one in targets:
                self.add_ancestors(one, state.parent, entering, by_default, history_content)
            return
        self.add(entering, state)
        if state.is_compound:
            by_default.add(state.id)
            targets = [self.state(name) for name in state.initial] or [state.children[0]]
            for one in targets:
                self.add_descendants(one, entering, by_default, history_content)
            for one in targets:
                self.add_ancestors(one, state, entering, by_default, history_content)
        elif state.kind == "parallel":
            self.add_regions(state, entering, by_default, history_content)

    def add_regions(self, state, entering, by_default, history_content):
        for child in state.regions:
            if not any(self.is_below(one, child) for one in entering):
                self.add_descendants(child, entering, by_default, history_content)

    def add_ancestors(self, state, ancestor, entering, by_default, history_content):
        for one in self.ancestors(state, ancestor):
            self.add(entering, one)
            if one.kind == "parallel":
                self.add_regions(one, entering, by_default, history_content)

    def enter_state(self, state, by_default, history_content):
        self.active.add(state.id)
        if state.kind != "scxml":
            for block in ([("log", "+" + state.id)], *state.onentry):
                self.run_block(block)
        if state.id in by_default and state.initial_actions is not None:
            self.run_block(state.initial_actions)
        if state.id in history_content:
            one = history_content[state.id]
            self.run_block([("log", one.name)] + one.actions)
        if state.kind == "final":
            self.enter_final(state)

    def enter_final(self, state):
        parent = state.parent
        if parent.kind == "scxml":
            self.running, self.final = False, state.id
            return
        self.internal.append(self.done_event(parent, state.donedata))
        if parent.parent is not None and parent.parent.kind == "parallel" and all(map(self.is_final, parent.parent.regions)):
            self.internal.append(self.done_event(parent.parent, None))

    def done_event(self, state, donedata):
        if donedata is None:
            return Event("done.state." + state.id)
        return Event("done.state." + state.id, {"n": self.value(donedata)})

    def is_final(self, state):
        if state.is_compound:
            return any(child.kind == "final" and child.id in self.active for child in state.children)
        return state.kind == "parallel" and all(map(self.is_final, state.regions))

    # --- macrosteps ----------------------------------------------------------------------------

    def start(self):
        root = self.chart.root
        entering, by_default, history_content = [], set(), {}
        targets = [self.state(name) for name in root.initial] or [root.children[0]]
        for one in targets:
            self.add_descendants(one, entering, by_default, history_content)
        for one in targets:
            self.add_ancestors(one, root, entering, by_default, history_content)
        for state in self.entry_order(entering):
            self.enter_state(state, by_default, history_content)
        self.finish()

    def settle(self):
        """Transitions without events, and those of internal events."""
        for _ in range(MICROSTEPS_MAX):
            if not self.running:
                break
            chosen = self.select(None)
            if not chosen:
                if not self.internal:
                    break
                self.event = self.internal.pop(0)
                chosen = self.select(self.event)
            if chosen:
                self.microstep(chosen)
        else:
            raise Restless

    def finish(self):
        """The rest of a macrostep."""
        self.settle()
        self.step.configuration = sorted(state.id for state in self.atomic())
        self.step.macrosteps.append(self.step.configuration)
        if not self.running:
            self.end()
        self.macrosteps += 1
        if self.macrosteps > MACROSTEPS_MAX:
            raise Restless

    macrosteps, is_cut = 0, False

    def end(self):
        for state in reversed(self.entry_order([state for state in map(self.state, self.active)])):
            self.leave_state(state)

    def take(self, event):
        self.event = event
        chosen = self.select(event)
        if chosen:
            self.microstep(chosen)
        self.finish()

    def drain(self):
        while self.running and not self.is_cut and self.external:
            self.take(self.external.pop(0))

    def release(self, due):
        self.external += [one[2] for one in due]

    def let_pass(self, milliseconds):
        end = self.now + milliseconds
        while self.running and not self.is_cut and self.delayed and min(self.delayed)[0] <= end:
            self.now = min(self.delayed)[0]
            due = sorted(one for one in self.delayed if one[0] <= self.now)
            self.delayed = [one for one in self.delayed if one not in due]
            self.release(due)
            self.drain()
        self.now = end


def agree(trace, other):
    """Whether `other` did what `trace` says."""
    steps, others = trace.steps, other.steps
    if trace.is_cut:
        last, others = steps[-1].log, others[:len(steps)]
        if len(others) < len(steps) or others[-1].log[:len(last)] != last:
            return False
        steps, others = steps[:-1], others[:-1]
    elif trace.final != other.final:
        return False
    return [(one.configuration, one.log) for one in steps] == [(one.configuration, one.log) for one in others]


def run(chart, inputs, departures=frozenset(), machine=Machine):
    """Raises Restless."""
    one, trace = machine(chart, departures), Trace()

    def begin():
        one.step = Step(one.step.configuration if one.step else [])
        trace.steps.append(one.step)

    begin()
    one.start()
    one.drain()
    for given in inputs:
        if not one.running or one.is_cut:
            break
        begin()
        if "after" in given:
            one.let_pass(given["after"])
        else:
            one.external.append(Event(given["name"], given.get("data")))
            one.drain()
    trace.final, trace.is_cut = one.final, one.is_cut
    return trace
