"""Keeps a set of programs running in one foreground process, and stops them in order."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from flywheel.embedded.errors import EmbeddedError
from flywheel.embedded.process import spawn, stop

TICK_SECONDS = 0.3
FIRST_PAUSE_SECONDS = 1.0  # before a program that ended is started again; doubled each time
LONGEST_PAUSE_SECONDS = 30.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STEADY_SECONDS = 60.0  # one that ran this long starts with the first pause again


class Service(Protocol):
    """Something that is kept running."""

    name: str

    def start(self) -> None:
        """Start it; for a server, until it answers."""

    def stop(self) -> None:
        """End it; does nothing when it is not running."""

    def is_alive(self) -> bool:
        """Whether its process is there."""


@dataclass
class Program:
    """A program of the product: web server, worker, beat. `stop_steps`: signals and the seconds each may take."""

    name: str
    command: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    log: Path
    death_signal: int = signal.SIGTERM
    stop_steps: Sequence[tuple[int, float]] = ((signal.SIGTERM, 12.0),)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it without waiting."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = spawn(self.command, death_signal=self.death_signal, cwd=self.cwd, env=self.env, log=log)

    def stop(self) -> None:
        """Send the stop signals in turn."""
        if self.process is not None:
            stop(self.process, self.stop_steps)

    def is_alive(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.poll() is None


class Keeper:
    """Starts one service again when it has ended, with pauses that grow while it keeps ending."""

    def __init__(self, service: Service, clock: Callable[[], float] = time.monotonic) -> None:
        self.service = service
        self._clock = clock
        self._started = clock()
        self._pause = FIRST_PAUSE_SECONDS
        self._due: float | None = None

    def look(self) -> None:
        """One look: note an end, or start it when its pause is over."""
        now = self._clock()
        if self._due is None:
            if not self.service.is_alive():
                self._note_end(now)
        elif now >= self._due:
            self._revive(now)

    def _note_end(self, now: float) -> None:
        if now - self._started >= STEADY_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        say(f"{self.service.name} has ended; starting it again in {self._pause:.0f} s.")
        self._due = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def _revive(self, now: float) -> None:
        self._started, self._due = now, None
        try:
            self.service.start()
        except EmbeddedError as error:
            say(str(error))


def keep(services: Iterable[Service], until: Callable[[], bool]) -> None:
    """Keep the started `services` running until the condition holds."""
    keepers = [Keeper(service) for service in services]
    while not until():
        for keeper in keepers:
            keeper.look()
        time.sleep(TICK_SECONDS)


class Stopped(BaseException):
    """Ctrl-C, TERM, or the terminal closed: everything is stopped on the way out."""


def stop_on_signals() -> None:
    """Make the first of STOP_SIGNALS raise Stopped; later ones wait for the orderly end."""

    def handle(signum: int, frame: object) -> NoReturn:
        for each in STOP_SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped

    for each in STOP_SIGNALS:
        signal.signal(each, handle)


def say(text: str) -> None:
    """One line to the person at the terminal, who may have closed it."""
    with contextlib.suppress(OSError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
