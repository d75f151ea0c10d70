# SPDX-License-Identifier: Apache-2.0
"""Where engines do something else than the Recommendation's algorithm says: each rule of theirs by name, as a change of model.py.
docs/scxml-differences.md tells each by the Recommendation's text. What no rule here explains is a finding."""
from model import Event, Machine, Restless, ScriptError, agree, run

CARILLON = ["entered-once"]
SCION = ["parallel-domain", "breadth-first", "done-last", "transitions-before-children", "final-leaves", "leaves-only",
         "history-of-the-left", "cancel-last", "failed-if-ends-block", "in-needs-quotes", "sent-data-is-an-object",
         "errors-have-data", "ended-goes-on"]
QT = ["deepest-first", "failed-log-speaks", "in-takes-no-quotes", "sent-data-is-an-object", "done-data-is-a-string", "cancel-first"]


class Departing(Machine):
    """A Machine that follows the rules in self.departures."""

    def __init__(self, chart, departures):
        super().__init__(chart, departures)
        self.newest = {}  # delayed event by its id, as long as none with this id has come

    # parallel-domain: the least common ancestor may be a parallel, and only the first target is looked at.
    def domain(self, source, one):
        if not self.departs("parallel-domain"):
            return super().domain(source, one)
        if not one.targets:
            return None
        targets = [self.state(name) for name in one.targets]
        if one.is_internal and source.is_compound and all(self.is_below(state, source) for state in targets):
            return source
        return next(ancestor for ancestor in self.ancestors(source) if self.is_below(targets[0], ancestor))

    def add(self, entering, state):
        if state.kind != "scxml":  # of the other targets, which may lie outside the domain
            super().add(entering, state)

    def add_ancestors(self, state, ancestor, entering, by_default, history_content):
        super().add_ancestors(state, ancestor, entering, by_default, history_content)
        if self.departs("parallel-domain") and ancestor.kind == "parallel":
            self.add_regions(ancestor, entering, by_default, history_content)

    # breadth-first: states are entered by depth, then by document order, and left the other way round.
    def entry_order(self, states):
        if not self.departs("breadth-first"):
            return super().entry_order(states)
        return sorted(states, key=lambda state: (state.depth, state.index))

    # entered-once: a state that is active, and was not left, is not entered again.
    def entry_set(self, transitions, entering, by_default, history_content):
        super().entry_set(transitions, entering, by_default, history_content)
        if self.departs("entered-once"):
            entering[:] = [state for state in entering if state.id not in self.active]

    # done-last: done events are raised when all states are entered.
    def enter(self, transitions):
        self.late = []
        super().enter(transitions)
        self.raise_late()

    def start(self):
        self.late = []
        super().start()

    def raise_late(self):
        late, self.late = self.late, []
        for state in late:
            super().enter_final(state)

    def enter_final(self, state):
        if self.departs("done-last") and state.parent.kind != "scxml":
            self.late.append(state)
        else:
            super().enter_final(state)

    # transitions-before-children: content runs in the order of the text, but for children that stand before transitions.
    def content_order(self, transitions):
        if not self.departs("transitions-before-children"):
            return super().content_order(transitions)
        return sorted(transitions, key=lambda one: (one[0].index, one[1].order))

    # deepest-first: of transitions in several regions the deepest goes first, and wins.
    def without_conflicts(self, enabled):
        if self.departs("deepest-first"):
            enabled = sorted(enabled, key=lambda one: (-one[0].depth, one[0].index))
        return super().without_conflicts(enabled)

    # final-leaves: the session ends when all active atomic states are final ones, wherever they are. What it does after that (it
    # still takes what its exit handlers sent) is not compared.
    def finish(self):
        self.raise_late()
        super().finish()

    def settle(self):
        super().settle()
        leaves = self.atomic()
        if self.departs("final-leaves") and self.running and all(state.kind == "final" for state in leaves):
            self.is_cut = True

    # ended-goes-on: a session that has ended still takes what it sent itself without delay; that is not compared.
    def end(self):
        super().end()
        self.is_cut |= self.departs("ended-goes-on") and bool(self.external)

    # leaves-only: active are only atomic states and what is above them: for In(), where one that is being left is active no more, and
    # for exit sets.
    def leave_state(self, state):
        if self.departs("leaves-only") and self.running:
            self.active.discard(state.id)
        super().leave_state(state)
        if self.departs("leaves-only") and not self.running:
            self.active.add(state.id)  # the end of a session leaves none

    def has_leaf(self, name):
        wanted = self.chart.by_id.get(name)
        return wanted is not None and any(state is wanted or self.is_below(state, wanted) for state in self.atomic())

    def is_in(self, name):
        return self.has_leaf(name) if self.departs("leaves-only") else super().is_in(name)

    def exit_set(self, transitions):
        left = super().exit_set(transitions)
        return set(filter(self.has_leaf, left)) if self.departs("leaves-only") else left

    # history-of-the-left: a deep history forgets final states.
    def keep_history(self, state):
        super().keep_history(state)
        if self.departs("history-of-the-left"):
            for one in state.children:
                if one.kind == "deep":
                    self.history[one.id] = [other for other in self.history[one.id] if other.kind != "final"]

    # cancel-last, cancel-first: of several delayed events with one id only the last, or the first, is cancelled; with cancel-last none,
    # once one of them has come.
    def send(self, event, delay, send_id):
        super().send(event, delay, send_id)
        if delay is not None and send_id:
            self.newest[send_id] = self.sequence

    def release(self, due):
        super().release(due)
        for one in due:
            self.newest.pop(one[3], None)

    def cancel(self, send_id):
        same = [one for one in self.delayed if one[3] == send_id]
        if self.departs("cancel-last"):
            self.delayed = [one for one in self.delayed if one[1] != self.newest.get(send_id)]
        elif self.departs("cancel-first"):
            self.delayed = [one for one in self.delayed if one not in same[:1]]
        else:
            super().cancel(send_id)

    # failed-if-ends-block: a cond of <if> that fails ends the block.
    def if_cond(self, cond):
        if not self.departs("failed-if-ends-block"):
            return super().if_cond(cond)
        return bool(self.value(cond))

    # failed-log-speaks: a <log> whose expression fails says its label; and undefined is a failure.
    def do(self, action):
        if action[0] != "show" or not self.departs("failed-log-speaks"):
            super().do(action)
            return
        try:
            words = self.words(action[2])
        except ScriptError:
            words = "undefined"
        if words != "undefined":
            super().do(action)
            return
        self.say(action[1])
        raise ScriptError

    # in-needs-quotes: In(s1) of the null data model is an error. in-takes-no-quotes: In('s1') of it is never true.
    def value(self, expr):
        if expr[0] == "bare in" and self.departs("in-needs-quotes"):
            raise ScriptError
        if expr[0] == "in" and not self.chart.is_ecmascript and self.departs("in-takes-no-quotes"):
            return False
        return super().value(expr)

    # sent-data-is-an-object: _event.data of what <send> sent without data is an empty object, not undefined.
    def sent_event(self, name, data):
        return super().sent_event(name, {} if data is None and self.departs("sent-data-is-an-object") else data)

    # done-data-is-a-string: that of the done event of a compound state without <donedata> is a string.
    def done_event(self, state, donedata):
        event = super().done_event(state, donedata)
        if event.data is None and state.kind != "parallel" and self.departs("done-data-is-a-string"):
            event.data = {}
        return event

    # errors-have-data: _event.data of error.execution is an object.
    def raise_error(self):
        if self.departs("errors-have-data"):
            self.internal.append(Event("error.execution", {}))
        else:
            super().raise_error()


def explain(chart, inputs, trace, names, view=lambda told: told):
    """The departures of `names` without which the model does not do what `trace` tells; None: not even with all of them. `view`: how
    the engine tells a trace. Raises Restless, when with all of them the chart does not come to rest."""

    def is_same(some):
        return agree(view(run(chart, inputs, frozenset(some), Departing)), trace)

    if not is_same(names):
        return None
    needed = list(names)
    for name in names:
        fewer = [one for one in needed if one != name]
        try:
            if is_same(fewer):
                needed = fewer
        except Restless:
            pass
    return needed
