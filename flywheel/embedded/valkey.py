"""The embedded Redis-compatible server: Celery's broker and the cache."""

import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flywheel.embedded.account import Account
from flywheel.embedded.errors import EmbeddedError
from flywheel.embedded.postgres import tail
from flywheel.embedded.process import clear, spawn, stop, wait_until

START_SECONDS = 60  # it reads its log first
KEPT = ("--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction")
THROWN_AWAY = ("--appendonly", "no", "--save", "", "--databases", "64")


@dataclass
class Valkey:
    """One server in `data` on the socket `address`, run by `account` with the program `program`."""

    data: Path
    address: Path
    program: Path
    account: Account
    log: Path
    options: Sequence[str] = KEPT
    process: "subprocess.Popen[bytes] | None" = None
    name: str = "Valkey"

    def start(self) -> None:
        """Start it and wait for its first PONG. Raises EmbeddedError with the end of its log otherwise."""
        self.account.own(self.data)
        clear(self.data)
        self.address.unlink(missing_ok=True)
        place = ["--dir", str(self.data), "--port", "0", "--unixsocket", str(self.address), "--unixsocketperm", "700"]
        with self.log.open("ab") as log:
            self.process = spawn(
                [self.program, *place, *self.options],
                death_signal=signal.SIGTERM,
                cwd=self.data,
                account=self.account,
                log=log,
            )
        if not wait_until(self._is_ready_or_over, START_SECONDS) or not self.is_ready():
            self.stop()
            raise EmbeddedError(f"Valkey did not start:\n{tail(self.log)}")

    def stop(self) -> None:
        """Ask it to end; it flushes its log first."""
        if self.process is not None:
            stop(self.process, [(signal.SIGTERM, 20.0)])

    def is_alive(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.poll() is None

    def is_ready(self) -> bool:
        """Whether it answers PING with PONG (it answers LOADING while it reads its log)."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(2)
                line.connect(str(self.address))
                line.sendall(b"PING\r\n")
                return line.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def _is_ready_or_over(self) -> bool:
        return self.is_ready() or not self.is_alive()
