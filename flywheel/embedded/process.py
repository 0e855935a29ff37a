"""Child processes that never outlive their parent."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from flywheel.embedded.account import Account, current

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(signum: int, parent: int) -> None:
    """Have the kernel send `signum` to this process when its parent ends (Linux only)."""
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:  # it ended before the call
        os.kill(os.getpid(), signum)


def spawn(
    command: Sequence[str | Path],
    *,
    death_signal: int,
    cwd: Path,
    account: Account | None = None,
    env: Mapping[str, str] | None = None,
    log: IO[bytes] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start `command` in a session of its own, so that Ctrl-C in the terminal reaches only the supervisor.

    `account`: the user it runs as, when root starts it. Call from the main thread: the kernel's parent-death
    signal follows the thread. It is set after the change of user, which would clear it.
    """
    parent = os.getpid()
    other = account if account is not None and account != current() else None
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT if log else None,
        cwd=cwd,
        env=dict(env) if env is not None else None,
        start_new_session=True,
        preexec_fn=lambda: die_with_parent(death_signal, parent),  # noqa: PLW1509 (one thread, by contract)
        user=other.uid if other else None,
        group=other.gid if other else None,
        extra_groups=[] if other else None,
    )


def wait_until(ready: Callable[[], bool], seconds: float, pause: float = 0.05) -> bool:
    """Ask `ready` every `pause` seconds; False when `seconds` pass first."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def stop(process: "subprocess.Popen[bytes]", steps: Sequence[tuple[int, float]]) -> None:
    """Send each signal in turn, waiting its seconds for the end; at last SIGKILL."""
    for signum, seconds in [*steps, (signal.SIGKILL, 10.0)]:
        if process.poll() is not None:
            return
        process.send_signal(signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)


def living_in(folder: Path) -> list[int]:
    """The processes whose working directory is `folder`: a server that was left behind, or its children."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cwd").readlink() == folder and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


def clear(folder: Path, patience: float = 5.0) -> None:
    """See that no process lives in `folder`: wait for those that are ending, then end the rest."""
    for signum in (0, signal.SIGQUIT, signal.SIGKILL):
        for pid in living_in(folder):
            with contextlib.suppress(OSError):
                os.kill(pid, signum)
        if wait_until(lambda: not living_in(folder), patience):
            return
