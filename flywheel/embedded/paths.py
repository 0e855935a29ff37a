"""Where the embedded servers live. Pure path arithmetic: settings and the supervisor must agree on it."""

import hashlib
from pathlib import Path

MAX_SOCKET_PATH = 100  # bytes; the kernel's sockaddr_un holds 104 to 108, with PostgreSQL's file name included
DATABASE = "flywheel"  # database and role of the embedded PostgreSQL


def socket_dir(var: Path) -> Path:
    """The folder of both servers' sockets: under `var`, or a short one under /tmp when `var` is too deep."""
    folder = var / "run"
    if len(str(folder / ".s.PGSQL.5432.lock").encode()) <= MAX_SOCKET_PATH:
        return folder
    return Path("/tmp") / f"flywheel-{hashlib.sha256(str(var).encode()).hexdigest()[:16]}"


def valkey_socket(var: Path) -> Path:
    """The embedded Redis-compatible server's socket file."""
    return socket_dir(var) / "valkey.sock"
