"""Where the embedded servers live. Pure path arithmetic: settings and the supervisor must agree on it."""

import hashlib
from pathlib import Path

MAX_SOCKET_PATH = 100  # bytes; the kernel's sockaddr_un holds 104 to 108, with PostgreSQL's file name included
DATABASE = "flywheel"  # database and role of the embedded PostgreSQL


def short_name(var: Path) -> str:
    """A name for `var` that is the same on every start: 16 hexadecimal digits."""
    return hashlib.sha256(str(var).encode()).hexdigest()[:16]


def servers_dir(var: Path) -> Path:
    """Both servers' folder. A link to elsewhere when root keeps `var` where the servers' own user cannot go."""
    return var / "servers"


def socket_dir(var: Path) -> Path:
    """The folder of both servers' sockets: under `var`, or a short one under /tmp when `var` is too deep."""
    folder = servers_dir(var) / "run"
    if len(str(folder / ".s.PGSQL.5432.lock").encode()) <= MAX_SOCKET_PATH:
        return folder
    return Path("/tmp") / f"flywheel-{short_name(var)}"  # noqa: S108 (its owner and mode are checked on use)


def valkey_socket(var: Path) -> Path:
    """The embedded Redis-compatible server's socket file."""
    return socket_dir(var) / "valkey.sock"
