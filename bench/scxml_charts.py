# SPDX-License-Identifier: Apache-2.0
"""Charts for bench/scxml.py, of the shapes of uSCXML's benchmark: they go round for ever without an event and enter `mark` each time.
Generated here; none of uSCXML's text is in them."""

HEAD = '<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="{}" name="{}">\n'


def mark(regions, is_counted):
    log = '<onentry><log label="mark"/></onentry>' if is_counted else ""
    return f'<parallel id="mark">{log}\n' + "\n".join(regions) + "\n</parallel>\n"


def lcca(size, is_counted=False):
    """`size` regions, each as deep; the innermost state of each leads out: the common ancestor is far above."""
    regions = []
    for region in range(size):
        inner = '<transition target="out"/>'
        for depth in reversed(range(size)):
            inner = f'<state id="r{region}d{depth}">{inner}</state>'
        regions.append(inner)
    return (HEAD.format("null", "LCCA") + mark(regions, is_counted) + '<state id="out"><transition target="mark"/></state>\n</scxml>\n')


def transitions(size, is_counted=False):
    """`size` regions, each with as many transitions that all lead to the same and conflict."""
    ways = '<transition target="mark"/>' * size
    regions = [f'<state id="r{region}">{ways}</state>' for region in range(size)]
    return HEAD.format("null", "Transitions") + mark(regions, is_counted) + "</scxml>\n"


SHAPES = {"LCCA": lcca, "Transitions": transitions}


def large(states):
    """A treatment of so many states, each with data, conditions and content, as generated ones are."""
    lines = [HEAD.format("ecmascript", "large"), '<datamodel><data id="step" expr="0"/><data id="choice"/></datamodel>\n']
    for number in range(states // 4):
        after = f"block{(number + 1) % (states // 4)}"
        lines.append(f"""<state id="block{number}" initial="ask{number}">
  <onentry><assign location="step" expr="step + 1"/></onentry>
  <transition event="caller.gone" target="block0"/>
  <state id="ask{number}">
    <onentry><log label="ask" expr="'block {number}: ' + step"/><send event="timeout" id="t{number}" delay="10s"/></onentry>
    <onexit><cancel sendid="t{number}"/></onexit>
    <transition event="digit" cond="_event.data.digit == {number % 10}" target="yes{number}"/>
    <transition event="digit timeout" target="no{number}"/>
  </state>
  <state id="yes{number}">
    <onentry><assign location="choice" expr="{{ block: {number}, digit: _event.data.digit }}"/></onentry>
    <transition cond="step &lt; 1000000" target="{after}"/>
  </state>
  <state id="no{number}">
    <transition target="{after}"/>
  </state>
</state>
""")
    return "".join([*lines, "</scxml>\n"])
