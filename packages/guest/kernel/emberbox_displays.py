"""What a cell displays, as lines of the protocol.

A display that has an id can be updated, and everything that was displayed can be cleared. Only the last state counts,
so states that follow each other quickly are not all sent. An update names its result by the number of results before.
"""

import threading
from time import monotonic
from typing import Any, Callable, Optional

from emberbox_channel import OUTPUT
from emberbox_results import result_line, update_line

# How much time passes between states that are sent, in seconds.
INTERVAL = 0.1
CLEAR = '{"type":"clear_results"}\n'

Bundle = dict[str, Any]


class Held:
    """A state that waits: of a new result, or of one that was sent."""

    def __init__(self, bundle: Bundle, name: Optional[str], index: Optional[int]) -> None:
        self.bundle = bundle
        self.name = name
        self.index = index


class Displays:
    def __init__(self, send: Callable[[int, str], None], finished: Callable[[Bundle], Bundle] = lambda bundle: bundle):
        """`send`: takes the kind of a frame, and a line. `finished`: is applied to what is sent."""
        self.send = send
        self.finished = finished
        self.lock = threading.RLock()
        self.timer: Optional[threading.Timer] = None
        self.sent_at = 0.0
        self.begin()

    def begin(self) -> None:
        """A new execution."""
        with self.lock:
            # Results that were sent, and those of them that can be cleared.
            self.count = 0
            self.shown = 0
            self.indices: dict[str, int] = {}
            self.held: list[Held] = []
            self.clears = False

    def show(self, bundle: Bundle, name: Optional[str] = None) -> None:
        with self.lock:
            self.held.append(Held(bundle, name, None))
            if self.clears:
                self._send_soon()
            else:
                self._send()

    def update(self, bundle: Bundle, name: str) -> None:
        """What an earlier execution displayed is gone: its update is a new result."""
        with self.lock:
            for held in self.held:
                if held.name == name:
                    held.bundle = bundle
                    return
            if name not in self.indices:
                return self.show(bundle, name)
            self.held.append(Held(bundle, name, self.indices[name]))
            self._send_soon()

    def clear(self) -> None:
        with self.lock:
            self.held.clear()
            self.indices.clear()
            self.clears = self.clears or self.shown > 0
            if self.clears:
                self._send_soon()

    def count_one(self) -> None:
        """A result that others send."""
        self.count += 1
        self.shown += 1

    def flush(self) -> None:
        with self.lock:
            self._send()

    def _send_soon(self) -> None:
        wait = self.sent_at + INTERVAL - monotonic()
        if wait <= 0:
            self._send()
        elif self.timer is None or not self.timer.is_alive():
            self.timer = threading.Timer(wait, self.flush)
            self.timer.daemon = True
            self.timer.start()

    def _send(self) -> None:
        if not self.clears and not self.held:
            return
        if self.clears:
            self.clears = False
            self.shown = 0
            self.send(OUTPUT, CLEAR)
        while self.held:
            held = self.held.pop(0)
            bundle = self.finished(held.bundle)
            if held.index is not None:
                self.send(OUTPUT, update_line(bundle, held.index))
                continue
            if held.name is not None:
                self.indices[held.name] = self.count
            self.count_one()
            self.send(OUTPUT, result_line(bundle, False))
        self.sent_at = monotonic()
