# SPDX-License-Identifier: Apache-2.0
"""Makes a chart and its inputs smaller for as long as `is_wanted(chart, inputs)` stays true.

    chart, inputs = shrink(chart, inputs, is_wanted, seconds)
"""
import copy
import time

from charts import Chart


def is_well_formed(state):
    if state.is_history:
        return True
    if state.children and not state.regions or state.kind == "parallel" and not state.children:
        return False
    if state.is_compound and not state.initial and state.children[0].is_history:
        return False
    return all(map(is_well_formed, state.children))


def without_lost_targets(root):
    """What refers to states that are gone goes, too, until all is well; None: the chart is broken by it."""
    for _ in range(20):
        states = [root, *root.below()]
        known = {state.id for state in states}
        is_changed = False
        for state in states:
            kept = [one for one in state.transitions if set(one.targets) <= known]
            is_changed |= len(kept) != len(state.transitions)
            state.transitions = kept
            if not set(state.initial) <= known:
                state.initial, state.initial_actions = [], None
            lost = [child for child in state.children if child.is_history and not child.transitions]
            is_changed |= bool(lost)
            state.children = [child for child in state.children if child not in lost]
        if not is_changed:
            return root if root.regions and is_well_formed(root) else None
    return None


def rebuilt(chart):
    root = without_lost_targets(chart.root)
    return Chart(root, chart.is_ecmascript) if root else None


def smaller_charts(chart):
    """Each a step smaller, the largest steps first. Edits are functions of a copy's states, in document order."""
    edits = []
    for at, state in enumerate(chart.states):
        for child in range(len(state.children)):
            edits.append((at, lambda one, n=child: one.children.pop(n)))
    for at, state in enumerate(chart.states):
        for name in ("onentry", "onexit", "transitions"):
            if not state.is_history:
                for n in range(len(getattr(state, name))):
                    edits.append((at, lambda one, name=name, n=n: getattr(one, name).pop(n)))
        if state.initial_actions is not None:
            edits.append((at, lambda one: setattr(one, "initial_actions", None)))
        if state.initial:
            edits.append((at, lambda one: (setattr(one, "initial", []), setattr(one, "initial_actions", None))))
        if state.donedata is not None:
            edits.append((at, lambda one: setattr(one, "donedata", None)))
        if state.kind == "deep":
            edits.append((at, lambda one: setattr(one, "kind", "shallow")))
        if state.kind in ("parallel", "state") and len(state.children) == 1:
            edits.append((at, lambda one: one.parent.children.__setitem__(one.parent.children.index(one), one.children[0])))
        if state.transitions_last:
            edits.append((at, lambda one: setattr(one, "transitions_last", False)))
        for n, transition in enumerate(state.transitions):
            if transition.cond is not None:
                edits.append((at, lambda one, n=n: setattr(one.transitions[n], "cond", None)))
            if transition.is_internal:
                edits.append((at, lambda one, n=n: setattr(one.transitions[n], "is_internal", False)))
            for k in range(len(transition.targets) if len(transition.targets) > 1 else 0):
                edits.append((at, lambda one, n=n, k=k: one.transitions[n].targets.pop(k)))
            for k in range(len(transition.actions)):
                edits.append((at, lambda one, n=n, k=k: one.transitions[n].actions.pop(k)))
        for name in ("onentry", "onexit"):
            for n, block in enumerate(getattr(state, name)):
                for k in range(len(block)):
                    edits.append((at, lambda one, name=name, n=n, k=k: getattr(one, name)[n].pop(k)))
    for at, edit in edits:
        copied = copy.deepcopy(chart)
        edit(copied.states[at])
        copied = rebuilt(copied)
        if copied is not None:
            yield copied


def smaller_inputs(inputs):
    for n in range(len(inputs)):
        yield inputs[:n] + inputs[n + 1:]
    for n, one in enumerate(inputs):
        if "data" in one:
            yield [*inputs[:n], {"name": one["name"]}, *inputs[n + 1:]]


def shrink(chart, inputs, is_wanted, seconds):
    end = time.monotonic() + seconds
    is_smaller = True
    while is_smaller and time.monotonic() < end:
        is_smaller = False
        for fewer in smaller_inputs(inputs):
            if is_wanted(chart, fewer):
                inputs, is_smaller = fewer, True
                break
        for less in smaller_charts(chart):
            if time.monotonic() > end:
                break
            if is_wanted(less, inputs):
                chart, is_smaller = less, True
                break
    return chart, inputs
