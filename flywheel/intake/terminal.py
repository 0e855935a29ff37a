"""A terminal that is told how far a load is."""

import time
from typing import Any

from flywheel.jobs.words import STEPS

TICK_SECONDS = 0.5


class Terminal:
    """Tells the progress on one line of stderr, when that is a terminal."""

    def __init__(self, name: str, stream: Any) -> None:
        self.name, self.stream = name, stream
        self.text, self.done, self.total = "", 0, 0
        self.told_at = 0.0

    def step(self, name: str, total: int = 0) -> None:
        """A new step begins."""
        self.text, self.done, self.total = str(STEPS[name]), 0, total
        self._tell()

    def advance(self, n: int = 1) -> None:
        """`n` more parts are done."""
        self.done += n
        if time.monotonic() - self.told_at > TICK_SECONDS:
            self._tell()

    def hold(self) -> None:
        """Nobody else works on the batch."""

    def _tell(self) -> None:
        self.told_at = time.monotonic()
        share = f" {100 * self.done // self.total} %" if self.total else ""
        if self.stream.isatty():
            self.stream.write(f"\r\033[K{self.name}: {self.text}{share}", ending="")
        elif not self.done:
            self.stream.write(f"{self.name}: {self.text}")
