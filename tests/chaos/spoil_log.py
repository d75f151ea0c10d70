# SPDX-License-Identifier: Apache-2.0
"""The proof that check-log can fail: a log that it passes is spoilt in one place, in one way after the
other, and each time it has to say so.

Each spoiler takes the events (a list of dicts, its own copy) and returns the words that check-log has
to say; None where the log has nothing of that kind.
"""
import json
import os
import pathlib
import tempfile

from event_log import check

FREE, HELD, FINAL = (1, 9), 2, 3


def find(events, kind, last=False, **fields):
    """The place of the first (last) such event, or None. A field may be a set of values."""
    places = range(len(events) - 1, -1, -1) if last else range(len(events))
    for place in places:
        one = events[place]
        if one["event"] == kind and all(
                one.get(name) in value if isinstance(value, (set, tuple)) else one.get(name) == value
                for name, value in fields.items()):
            return place
    return None


def acknowledged(events, ask, **fields):
    """Places of a request that was acknowledged, and of its end."""
    ends = {one["request"]: place for place, one in enumerate(events) if one["event"] == "acknowledged"}
    for place, one in enumerate(events):
        if one["event"] == "asked" and one["ask"] == ask and one["request"] in ends \
                and all(one.get(name) == value for name, value in fields.items()):
            yield place, ends[one["request"]]


def last_row(events, chain):
    return find(events, "row", last=True, chain=chain)


def processed_row(events):
    return find(events, "row", last=True, status=FINAL)


# what is acknowledged survives

def an_added_row_is_gone(events):
    _, end = next(acknowledged(events, "add"))
    del events[last_row(events, events[end]["chain"])]
    return "has no row"


def a_row_is_there_twice(events):
    place = processed_row(events)
    events.insert(place, dict(events[place]))
    return "is there twice"


def a_row_that_nobody_added(events):
    place = processed_row(events)
    events.insert(place, {**events[place], "chain": 999_999_999, "phone": "0000"})
    return "a record that nobody added"


def a_processed_row_has_an_older_value(events):
    events[processed_row(events)]["value"] = "older"
    return "lost: chain"


def a_processed_row_has_another_result(events):
    events[processed_row(events)]["result"] = 29
    return "lost: chain"


def a_processed_row_is_another_agents(events):
    events[processed_row(events)]["agent"] = "nobody"
    return "lost: chain"


def a_processed_row_is_ready_again(events):
    events[processed_row(events)]["status"] = 1
    return "lost: chain"


def an_update_was_never_asked_for(events):
    """The value of a held record comes from nowhere."""
    place = find(events, "row", status=HELD)
    if place is None:
        return None
    events[place]["value"] = "from nowhere"
    return "lost: chain"


def a_set_value_is_another(events):
    events[find(events, "seen", last=True)]["value"] = "from nowhere"
    return "is from nowhere"


def an_acknowledged_revision_is_gone(events):
    events[find(events, "configuration")]["revision"] = 1
    return "was acknowledged, and config has 1"


# one owner

def an_open_round_is_another_agents(events):
    place = find(events, "round", status=1)
    if place is None:
        return None
    events[place]["agent"] = "nobody"
    return "round: chain"


def an_open_round_is_gone(events):
    place = find(events, "round", status=1)
    if place is None:
        return None
    chain = events[place]["chain"]
    shown = [one for one in events[:place] if one["event"] == "acknowledged" and one.get("chain") == chain]
    if not shown:
        return None
    del events[place]
    return f"chain {chain} of"


def a_processed_chain_is_given_out(events):
    asked, _ = next(acknowledged(events, "process"))
    guid = events[asked]["guid"]
    gift = events[find(events, "acknowledged", guid=guid)]
    events += [{"event": "asked", "at": 1, "ask": "preview", "request": 10 ** 9, "agent": "thief"},
               {**gift, "request": 10 ** 9, "guid": "stolen", "handle": 10 ** 9}]
    return "owner: chain"


def an_attempt_guid_is_used_twice(events):
    gifts = [place for place, one in enumerate(events) if one["event"] == "acknowledged" and "guid" in one]
    first, second = events[gifts[0]], next(events[place] for place in gifts
                                           if events[place]["chain"] != events[gifts[0]]["chain"])
    old = second["guid"]
    for one in events:
        if one.get("guid") == old:
            one["guid"] = first["guid"]
    return "round: chain"


# delivered at least once

def a_delivery_is_missing(events):
    message = events[find(events, "received")]["message"]
    events[:] = [one for one in events if one["event"] != "received" or one["message"] != message]
    return "never came"


def a_body_is_another(events):
    place = find(events, "received")
    events.insert(place + 1, {**events[place], "digest": "another"})
    return "came with two bodies"


def a_round_has_two_messages(events):
    place = find(events, "received")
    events.insert(place + 1, {**events[place], "message": "another"})
    return "two messages for round"


def a_notification_of_a_round_given_back(events):
    for asked, end in acknowledged(events, "reject"):
        events.insert(end + 1, {"event": "received", "at": 1, "message": "early", "digest": "d",
                                "guid": events[asked]["guid"]})
        return "had a notification about round"
    return None


def an_entry_of_the_outbox_waits_still(events):
    place = find(events, "outbox", last=True)
    events[place]["status"] = 1
    return "still waits"


# the rest

def a_counter_is_wrong(events):
    events[find(events, "counter")]["published"] = 10 ** 6
    return "counter: "


def an_end_without_a_beginning(events):
    asked, _ = next(acknowledged(events, "update"))
    del events[asked]
    return "ends and was not asked"


SPOILERS = [an_added_row_is_gone, a_row_is_there_twice, a_row_that_nobody_added,
            a_processed_row_has_an_older_value, a_processed_row_has_another_result,
            a_processed_row_is_another_agents, a_processed_row_is_ready_again, an_update_was_never_asked_for,
            a_set_value_is_another, an_acknowledged_revision_is_gone, an_open_round_is_another_agents,
            an_open_round_is_gone,
            a_processed_chain_is_given_out, an_attempt_guid_is_used_twice, a_delivery_is_missing,
            a_body_is_another, a_round_has_two_messages, a_notification_of_a_round_given_back,
            an_entry_of_the_outbox_waits_still, a_counter_is_wrong, an_end_without_a_beginning]
SKIPPED_MAX = 3  # what a log may have no place for


def assert_spoilt_logs_are_found(path):
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    events, skipped = [json.loads(line) for line in lines], []
    with tempfile.TemporaryDirectory() as folder:
        spoilt = os.path.join(folder, "spoilt.jsonl")
        for spoil in SPOILERS:
            mine = [dict(one) for one in events]
            wanted = spoil(mine)
            if wanted is None:
                skipped.append(spoil.__name__)
                continue
            with open(spoilt, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(one) + "\n" for one in mine)
            code, words = check(spoilt)
            assert code == 1 and wanted in words, (spoil.__name__, code, wanted, words[:2000])
    assert len(skipped) <= SKIPPED_MAX, skipped
