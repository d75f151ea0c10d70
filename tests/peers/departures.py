# SPDX-License-Identifier: Apache-2.0
"""Where SCION and Qt do something else than the Recommendation says: each rule of theirs by name, as a change of model.py.
docs/scxml-differences.md tells each by the Recommendation's text. What no rule here explains is a finding."""
from model import Event, Machine, Restless, ScriptError

SCION = ["parallel-domain", "breadth-first", "done-last", "transitions-before-children", "final-leaves", "in-of-leaves",
         "history-of-the-left", "cancel-last"]
QT = ["deepest-content-first"]


class Departing(Machine):
    """A Machine that follows the rules in self.departures."""

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

    def add_ancestors(self, state, ancestor, entering, by_default, history_content):
        super().add_ancestors(state, ancestor, entering, by_default, history_content)
        if self.departs("parallel-domain") and ancestor.kind == "parallel":
            self.add_regions(ancestor, entering, by_default, history_content)

    # breadth-first: states are entered by depth, then by document order, and left the other way round.
    def entry_order(self, states):
        if not self.departs("breadth-first"):
            return super().entry_order(states)
        return sorted(states, key=lambda state: (state.depth, state.index))

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
    # deepest-content-first: content of a transition of a descendant, or of a deeper state, runs first.
    def content_order(self, transitions):
        if self.departs("transitions-before-children"):
            return sorted(transitions, key=lambda one: (one[0].index, one[1].order))
        if self.departs("deepest-content-first"):
            return sorted(transitions, key=lambda one: (-one[0].depth, one[0].index))
        return transitions

    # final-leaves: the session ends when all active atomic states are final ones, wherever they are.
    def finish(self):
        self.raise_late()
        super().finish()

    def settle(self):
        super().settle()
        leaves = self.atomic()
        if self.departs("final-leaves") and self.running and all(state.kind == "final" for state in leaves):
            self.running, self.final = False, " ".join(sorted(state.id for state in leaves))

    # in-of-leaves: In() knows only of active atomic states and what is above them.
    def is_in(self, name):
        if not self.departs("in-of-leaves"):
            return super().is_in(name)
        return any(name == state.id or self.is_below(state, self.state(name)) for state in self.atomic())

    # history-of-the-left: a deep history forgets final states.
    def keep_history(self, state):
        super().keep_history(state)
        if self.departs("history-of-the-left"):
            for one in state.children:
                if one.kind == "deep":
                    self.history[one.id] = [other for other in self.history[one.id] if other.kind != "final"]

    # cancel-last: of several delayed events with one id only the last is cancelled.
    def cancel(self, send_id):
        if not self.departs("cancel-last"):
            return super().cancel(send_id)
        same = [one for one in self.delayed if one[3] == send_id]
        if same:
            self.delayed.remove(same[-1])
        return None
