# SPDX-License-Identifier: Apache-2.0
"""What the W3C's manual tests ask a person to look for, looked for by a program.

Each check gets a Run (run.py) and returns what is wrong with it, "" when nothing is."""
import collections


def ends_in(run, final):
    if run.final != final:
        return f"ended in {run.outcome}, not in {final}"
    return "" if run.status == 0 else f"exit status {run.status}"


def both_values_are_sent(run):
    """178: the log shows both values of the name that was given twice."""
    good = any('"Var1":[2,3]' in line for line in run.logs)
    return ends_in(run, "final") or ("" if good else f"log: {run.logs}")


def copy_has_the_same_fields(run):
    """230: parent and child log seven fields each, with the same values."""
    seen = collections.defaultdict(list)
    for line in run.logs:
        label, _, value = line.partition(" is: ")
        seen[label].append(value)
    fields = ("name", "type", "sendid", "origin", "origintype", "invokeid", "data")
    wrong = [field for field in fields if len(seen[field]) != 2 or len(set(seen[field])) != 1]
    return ends_in(run, "final") or (f"not the same twice: {' '.join(wrong)}" if wrong else "")


def exit_handlers_of_the_child_ran(run):
    """250: the child logs that it leaves both states, and not that it came to its end."""
    left = [line for line in run.logs if "xiting" in line or "not cancelled" in line]
    good = len(left) == 2 and left[0].endswith("Exiting sub01") and left[1].endswith("Exiting sub0")
    return ends_in(run, "final") or ("" if good else f"log: {left}")


def is_refused(run):
    """301: the document is not run at all."""
    return "" if run.status == 2 and not run.configurations else f"ran: {run.outcome}"


def both_accesses_behave_alike(run):
    """307: data not yet made and data that lacks a part: both an error, or both none."""
    said = [any(word in line for line in run.logs) for word in
            ("no error in s0", "error in state s0", "No error in s1", "error in state s1")]
    good = said in ([True, False, True, False], [False, True, False, True])
    return ends_in(run, "final") or ("" if good else f"log: {run.logs}")


def passes_or_is_refused(run):
    """313, 314: it may be refused; if it runs, the error must come, and where it belongs."""
    return "" if run.status == 2 and not run.configurations else ends_in(run, "pass")


def nothing_follows_the_final(run):
    """415: it halts in its initial state, which is final, without a step for the event raised there."""
    steps = len(run.configurations)
    return ends_in(run, "final") or ("" if steps <= 1 else f"{steps} macrosteps were taken")


CHECKS = {"178": both_values_are_sent, "230": copy_has_the_same_fields,
          "250": exit_handlers_of_the_child_ran, "301": is_refused,
          "307": both_accesses_behave_alike, "313": passes_or_is_refused,
          "314": passes_or_is_refused, "415": nothing_follows_the_final}
