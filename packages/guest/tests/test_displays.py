import json
import time

import emberbox_displays
import pytest
from emberbox_displays import Displays


class Sent(list):
    def __call__(self, _kind, line):
        message = json.loads(line)
        kind = message.pop("type")
        self.append(kind if kind == "clear_results" else (kind, message.get("index"), message["text"]))


@pytest.fixture
def sent(monkeypatch):
    """What was sent, where no time passes."""
    monkeypatch.setattr(emberbox_displays, "INTERVAL", 1000)
    return Sent()


@pytest.fixture
def displays(sent):
    displays = Displays(sent)
    displays.sent_at = time.monotonic()
    yield displays
    if displays.timer:
        displays.timer.cancel()


def text(value):
    return {"text/plain": value}


def test_whatever_has_no_id_is_sent_at_once(displays, sent):
    displays.show(text("a"))
    displays.show(text("b"))
    assert sent == [("result", None, "a"), ("result", None, "b")]


def test_of_many_updates_the_last_is_sent(displays, sent):
    displays.show(text("other"))
    displays.show(text("first"), "id")
    for number in range(300):
        displays.update(text(str(number)), "id")
    displays.flush()
    assert sent == [("result", None, "other"), ("result", None, "first"), ("result_update", 1, "299")]


def test_what_was_sent_before_counts(displays, sent):
    displays.count_one()
    displays.show(text("a"), "id")
    displays.update(text("b"), "id")
    displays.flush()
    assert sent[-1] == ("result_update", 1, "b")


def test_an_update_of_an_earlier_executions_display_is_a_result(displays, sent):
    displays.show(text("a"), "id")
    displays.begin()
    displays.update(text("b"), "id")
    displays.update(text("c"), "id")
    displays.flush()
    assert sent[1:] == [("result", None, "b"), ("result_update", 0, "c")]


def test_of_what_is_cleared_again_and_again_the_last_is_sent(displays, sent):
    displays.clear()
    for number in range(300):
        displays.show(text(str(number)), "id")
        displays.update(text("-%d" % number), "id")
        displays.clear()
    displays.show(text("last"))
    displays.flush()
    assert sent == [("result", None, "0"), "clear_results", ("result", None, "last")]


def test_what_is_held_is_sent_before_what_follows(displays, sent):
    displays.show(text("a"), "id")
    displays.update(text("b"), "id")
    displays.show(text("c"))
    assert sent == [("result", None, "a"), ("result_update", 0, "b"), ("result", None, "c")]


def test_what_is_held_is_sent_in_a_while(monkeypatch):
    monkeypatch.setattr(emberbox_displays, "INTERVAL", 0.01)
    sent = Sent()
    displays = Displays(sent)
    displays.show(text("a"), "id")
    displays.update(text("b"), "id")
    displays.update(text("c"), "id")
    if displays.timer:
        displays.timer.join(60)
    assert sent[-1] == ("result_update", 0, "c")


def test_only_what_is_sent_is_finished(sent):
    drawn = []

    def draw(bundle):
        drawn.append(bundle)
        return text("drawn")

    displays = Displays(sent, draw)
    displays.show(text("a"), "id")
    for number in range(300):
        displays.update(text(str(number)), "id")
    displays.flush()
    assert sent == [("result", None, "drawn"), ("result_update", 0, "drawn")]
    assert drawn == [text("a"), text("299")]
