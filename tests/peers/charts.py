# SPDX-License-Identifier: Apache-2.0
"""Random SCXML documents and what happens to them, from a seed.

    chart = random_chart(random.Random(7)); chart.xml(); random_inputs(random.Random(8))

A chart is a tree of State; states log "+id" when they are entered and "-id" when they are left, transitions log their own name,
so that the log tells the order of everything. Expressions are small trees of tuples over non-negative integers, which mean the
same in Python (model.py) and in ECMAScript:  ("num", 3)  ("var", "x")  ("+", a, b)  ("<", a, b)  ("&&", a, b)  ("!", a)
("in", "s3")  ("bare in", "s3") for In(s3)  ("data",) for _event.data.n. Actions are tuples, too: see ACTIONS.
"""
import dataclasses
import json
from xml.sax.saxutils import quoteattr

VARIABLES = ["x", "y", "z"]
EVENTS = ["a", "a.b", "b", "c", "c.d.e"]
DESCRIPTORS = ["a", "a.b", "a.*", "b", "c", "c.d", "c.d.e", "*", "a b", "b c.d.*"]
ERRORS = ["error", "error.execution", "error.*"]
DELAYS = [5, 10, 20, 50]
MODULUS = 7  # what is assigned stays below it

# ("log", label) ("show", label, expr) ("assign", variable, expr) ("raise", event) ("send", event, delay_ms or None, id, expr or None)
# ("cancel", id) ("if", [(cond or None, [action])...]) ("foreach", [number...], variable of the item, [action])
ACTIONS = ("log", "show", "assign", "raise", "send", "cancel", "if", "foreach")


@dataclasses.dataclass
class Transition:
    name: str = ""          # logged; "": nothing is
    events: str = ""        # descriptors; "": eventless
    cond: tuple = None
    targets: list = dataclasses.field(default_factory=list)
    is_internal: bool = False
    actions: list = dataclasses.field(default_factory=list)
    order: int = 0          # in the document


@dataclasses.dataclass
class State:
    id: str
    kind: str = "state"     # state, parallel, final, shallow, deep (history)
    children: list = dataclasses.field(default_factory=list)
    initial: list = dataclasses.field(default_factory=list)  # ids; none: the first child
    initial_actions: list = None                             # None: an attribute, else an <initial> with these
    onentry: list = dataclasses.field(default_factory=list)  # blocks
    onexit: list = dataclasses.field(default_factory=list)
    transitions: list = dataclasses.field(default_factory=list)
    transitions_last: bool = False                           # written behind the children
    donedata: tuple = None                                   # of a final: param n
    parent: "State" = None
    index: int = 0          # in document order
    depth: int = 0

    @property
    def is_history(self):
        return self.kind in ("shallow", "deep")

    @property
    def regions(self):
        return [child for child in self.children if not child.is_history]

    @property
    def is_compound(self):
        return self.kind in ("state", "scxml") and bool(self.children)

    @property
    def is_atomic(self):
        return self.kind == "final" or self.kind == "state" and not self.children

    def below(self):
        for child in self.children:
            yield child
            yield from child.below()


@dataclasses.dataclass
class Chart:
    root: State
    is_ecmascript: bool = True

    def __post_init__(self):
        self.states = [self.root, *self.root.below()]
        self.by_id = {state.id: state for state in self.states}
        self.number(self.root, [0])
        for index, state in enumerate(self.states):
            state.index = index
            for child in state.children:
                child.parent, child.depth = state, state.depth + 1

    def number(self, state, count):
        """Transitions in the order of the text."""
        for part in (state.children, state.transitions) if state.transitions_last else (state.transitions, state.children):
            for one in part:
                if isinstance(one, State):
                    self.number(one, count)
                else:
                    one.order, count[0] = count[0], count[0] + 1

    def xml(self):
        kind = "ecmascript" if self.is_ecmascript else "null"
        lines = [f'<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="{kind}" name="chart"'
                 f'{initial_attribute(self.root)}>']
        if self.is_ecmascript:
            items = "".join(f'<data id="{name}" expr="{value}"/>' for value, name in enumerate(VARIABLES))
            lines.append(f'  <datamodel>{items}<data id="item" expr="0"/><data id="list" expr="[]"/></datamodel>')
        for child in self.root.children:
            write_state(child, lines, 1)
        return "\n".join([*lines, "</scxml>", ""])


# --- as XML ------------------------------------------------------------------------------------

def script(expr):
    """As ECMAScript, or as a condition of the null data model."""
    kind, *rest = expr
    if kind == "num":
        return str(rest[0])
    if kind == "var":
        return rest[0]
    if kind == "data":
        return "_event.data.n"
    if kind == "in":
        return f"In('{rest[0]}')"
    if kind == "bare in":
        return f"In({rest[0]})"
    if kind == "!":
        return f"!{script(rest[0])}"
    return f"({script(rest[0])} {kind} {script(rest[1])})"


def write_action(action, lines, depth):
    kind, *rest = action
    pad = "  " * depth

    def put(text):
        lines.append(pad + text)

    if kind == "log":
        put(f'<log label={quoteattr(rest[0])}/>')
    elif kind == "show":
        put(f'<log label={quoteattr(rest[0])} expr={quoteattr(script(rest[1]))}/>')
    elif kind == "assign":
        put(f'<assign location="{rest[0]}" expr={quoteattr(f"{script(rest[1])} % {MODULUS}")}/>')
    elif kind == "raise":
        put(f'<raise event="{rest[0]}"/>')
    elif kind == "send":
        event, delay, send_id, expr = rest
        words = f'<send event="{event}"' + (f' id="{send_id}"' if send_id else "") + (f' delay="{delay}ms"' if delay else "")
        put(words + ("/>" if expr is None else f'><param name="n" expr={quoteattr(script(expr))}/></send>'))
    elif kind == "cancel":
        put(f'<cancel sendid="{rest[0]}"/>')
    elif kind == "if":
        for number, (cond, actions) in enumerate(rest[0]):
            words = "else" if cond is None else f'{"elseif" if number else "if"} cond={quoteattr(script(cond))}'
            put(f"<{words}{'/' if number else ''}>")
            for one in actions:
                write_action(one, lines, depth + 1)
        put("</if>")
    elif kind == "foreach":
        numbers, item, actions = rest
        put(f'<assign location="list" expr="[{", ".join(map(str, numbers))}]"/>')
        put(f'<foreach array="list" item="{item}">')
        for one in actions:
            write_action(one, lines, depth + 1)
        put("</foreach>")


def write_block(tag, actions, lines, depth):
    pad = "  " * depth
    if not actions:
        lines.append(f"{pad}<{tag}/>")
        return
    lines.append(f"{pad}<{tag}>")
    for action in actions:
        write_action(action, lines, depth + 1)
    lines.append(f"{pad}</{tag.split()[0]}>")


def write_transition(one, lines, depth):
    words = "transition" + (f' event="{one.events}"' if one.events else "")
    words += f" cond={quoteattr(script(one.cond))}" if one.cond else ""
    words += f' target="{" ".join(one.targets)}"' if one.targets else ""
    words += ' type="internal"' if one.is_internal else ""
    write_block(words, ([("log", one.name)] if one.name else []) + one.actions, lines, depth)


def initial_attribute(state):
    return f' initial="{" ".join(state.initial)}"' if state.initial and state.initial_actions is None else ""


def write_state(state, lines, depth):
    pad = "  " * depth
    if state.is_history:
        lines.append(f'{pad}<history id="{state.id}" type="{state.kind}">')
        write_transition(state.transitions[0], lines, depth + 1)
        lines.append(f"{pad}</history>")
        return
    lines.append(f'{pad}<{state.kind} id="{state.id}"{initial_attribute(state)}>')
    if state.initial_actions is not None:
        lines.append(f"{pad}  <initial>")
        write_transition(Transition(targets=state.initial, actions=state.initial_actions), lines, depth + 2)
        lines.append(f"{pad}  </initial>")
    for tag, mark, blocks in (("onentry", "+", state.onentry), ("onexit", "-", state.onexit)):
        write_block(tag, [("log", mark + state.id)], lines, depth + 1)
        for block in blocks:
            write_block(tag, block, lines, depth + 1)
    if state.donedata is not None:
        lines.append(f'{pad}  <donedata><param name="n" expr={quoteattr(script(state.donedata))}/></donedata>')
    for part in (state.children, state.transitions) if state.transitions_last else (state.transitions, state.children):
        for one in part:
            if isinstance(one, State):
                write_state(one, lines, depth + 1)
            else:
                write_transition(one, lines, depth + 1)
    lines.append(f"{pad}</{state.kind}>")


# --- at random ---------------------------------------------------------------------------------

class Author:
    """Writes one chart."""

    def __init__(self, rng):
        self.rng = rng
        self.is_ecmascript = rng.random() < 0.85
        self.in_form = rng.choice(["in", "bare in"])
        self.room = rng.choice([4, 6, 8, 12, 16])  # for states
        self.count = self.sends = self.names = 0

    def chance(self, share):
        return self.rng.random() < share

    def tree(self, depth, is_region):
        """A state and what is below it; counts against the room."""
        state = State(f"s{self.count}")
        self.count += 1
        if depth >= 4 or self.count >= self.room or self.chance(0.1 * depth + 0.05):
            state.kind = "final" if self.chance(0.25) and not is_region else "state"
            return state
        state.kind = "parallel" if self.chance(0.3) else "state"
        for _ in range(self.rng.randint(2, 3) if state.kind == "parallel" else self.rng.randint(1, 3)):
            state.children.append(self.tree(depth + 1, state.kind == "parallel"))
        if self.chance(0.3):
            history = State(f"h{self.count}", self.rng.choice(["shallow", "deep"]))
            self.count += 1
            state.children.insert(self.rng.randint(0, len(state.children)), history)
        return state

    def chart(self):
        root = State("", "scxml")
        self.count = 1
        for _ in range(self.rng.randint(2, 4)):
            root.children.append(self.tree(1, False))
        if self.chance(0.5):
            root.children.append(State(f"s{self.count}", "final"))
        root.children.sort(key=lambda child: child.kind == "final")  # so that not all ends at once
        chart = Chart(root, self.is_ecmascript)
        self.states = [state for state in chart.states[1:]]
        for state in chart.states:
            self.fill(state)
        return Chart(root, self.is_ecmascript)

    # -- states

    def legal_targets(self, state):
        """One or two states below `state` that can be active together."""
        below = list(state.below())
        first = self.rng.choice(below)
        if self.chance(0.35):
            forks = [one for one in (state, *below) if one.kind == "parallel"]
            if forks:
                regions = self.rng.sample(self.rng.choice(forks).regions, 2)
                return [self.rng.choice([region, *region.below()]).id for region in regions]
        return [first.id]

    def fill(self, state):
        if state.is_history:
            parent = state.parent
            inner = parent.regions if state.kind == "shallow" else [one for one in parent.below() if not one.is_history]
            targets = [self.rng.choice(inner).id]
            if parent.kind == "parallel" and state.kind == "shallow":
                targets = [one.id for one in parent.regions]
            state.transitions = [Transition(self.name(), targets=targets, actions=self.block(0.3))]
            return
        if state.is_compound:
            if self.chance(0.4):
                state.initial = self.legal_targets(state)
                if self.chance(0.5) and state.kind != "scxml":
                    state.initial_actions = [("log", "i" + state.id), *self.block(0.3)]
            elif state.children[0].is_history:
                state.initial = [state.regions[0].id]
        if state.kind == "scxml":
            return
        state.onentry = [self.block(0.5)] if self.chance(0.4) else []
        state.onexit = [self.block(0.5)] if self.chance(0.3) else []
        if state.kind == "final":
            state.donedata = self.number(1) if self.is_ecmascript and self.chance(0.4) else None
            return
        state.transitions_last = self.chance(0.3)
        state.transitions = [self.transition(state) for _ in range(self.rng.choice([1, 1, 2, 2, 3]))]

    def name(self):
        self.names += 1
        return f"t{self.names}"

    def transition(self, state):
        one = Transition(self.name())
        kind = self.rng.random()
        if kind < 0.65:
            one.events = self.rng.choice(DESCRIPTORS)
        elif kind < 0.8:
            one.events = "done.state." + self.rng.choice(self.states).id
        elif kind < 0.87:
            one.events = self.rng.choice(ERRORS)
        variable = self.rng.choice(VARIABLES)
        if not one.events and self.is_ecmascript and self.chance(0.7):  # one that comes to an end
            one.cond = "<", ("var", variable), ("num", self.rng.randint(1, 3))
        elif not one.events or self.chance(0.3):
            one.cond = self.condition(2, may_use_data=bool(one.events))
        if not self.chance(0.2):
            below = list(state.below())
            if below and self.chance(0.4):
                one.targets = self.legal_targets(state)
                one.is_internal = self.chance(0.6)
            else:
                root = state
                while root.parent is not None:
                    root = root.parent
                one.targets = self.legal_targets(root)
                one.is_internal = self.chance(0.05)
        one.actions = self.block(0.35)
        if not one.events and self.is_ecmascript and self.chance(0.8):
            one.actions.append(("assign", variable, ("+", ("var", variable), ("num", 1))))
        return one

    # -- content

    def block(self, share):
        actions = []
        while self.chance(share) and len(actions) < 4:
            actions.append(self.action(2))
        return actions

    def action(self, depth):
        kinds = ["raise", "send", "send"]
        if self.is_ecmascript:
            kinds += ["assign", "assign", "assign", "show", "show", "cancel"] + (["if", "if", "foreach"] if depth else [])
        kind = self.rng.choice(kinds)
        if kind == "raise":
            return "raise", self.rng.choice(EVENTS)
        if kind == "send":
            delay = self.rng.choice([None, *DELAYS])
            self.sends += bool(delay)
            data = self.number(1) if self.is_ecmascript and self.chance(0.4) else None
            return "send", self.rng.choice(EVENTS), delay, f"d{self.sends}" if delay and self.chance(0.6) else "", data
        if kind == "cancel":
            return "cancel", f"d{self.rng.randint(1, max(1, self.sends))}"
        if kind == "assign":
            return "assign", self.rng.choice(VARIABLES), self.number(2, may_use_data=True)
        if kind == "show":
            return "show", "v", self.number(2, may_use_data=True)
        inner = [self.action(depth - 1) for _ in range(self.rng.randint(1, 2))]
        if kind == "foreach":
            return "foreach", [self.rng.randint(0, 4) for _ in range(self.rng.randint(0, 3))], "item", inner
        branches = [(self.condition(1, may_use_data=True), inner)]
        for cond in (self.condition(1), None):
            if self.chance(0.4):
                branches.append((cond, [self.action(depth - 1)]))
        return "if", branches

    def number(self, depth, may_use_data=False):
        if depth and self.chance(0.5):
            return self.rng.choice("+*"), self.number(depth - 1, may_use_data), self.number(depth - 1, may_use_data)
        if may_use_data and self.chance(0.08):
            return ("data",)
        return ("var", self.rng.choice(VARIABLES)) if self.chance(0.6) else ("num", self.rng.randint(0, 4))

    def condition(self, depth, may_use_data=False):
        if not self.is_ecmascript:
            return self.in_form, self.rng.choice([one for one in self.states if not one.is_history]).id
        kind = self.rng.random()
        if depth and kind < 0.25:
            return self.rng.choice(["&&", "||"]), self.condition(depth - 1, may_use_data), self.condition(depth - 1)
        if depth and kind < 0.35:
            return "!", self.condition(depth - 1, may_use_data)
        if kind < 0.5:
            return "in", self.rng.choice([one for one in self.states if not one.is_history]).id
        return self.rng.choice(["<", ">", "==", "!="]), self.number(1, may_use_data), self.number(1)


def random_chart(rng):
    return Author(rng).chart()


def random_inputs(rng):
    """Events, some with data, and pauses."""
    inputs = []
    for _ in range(rng.randint(3, 10)):
        if rng.random() < 0.2:
            inputs.append({"after": rng.choice([5, 10, 15, 30, 100])})
        elif rng.random() < 0.3:
            inputs.append({"name": rng.choice(EVENTS), "data": {"n": rng.randint(0, 6)}})
        else:
            inputs.append({"name": rng.choice(EVENTS)})
    inputs.append({"after": 200})
    return inputs


def input_lines(inputs):
    return "".join(json.dumps(one) + "\n" for one in inputs)
