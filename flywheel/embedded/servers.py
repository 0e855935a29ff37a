"""Both servers of one folder, started and stopped together under one lock."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from flywheel.embedded import binaries
from flywheel.embedded.account import Account, prepare_home, prepare_sockets
from flywheel.embedded.errors import EmbeddedError
from flywheel.embedded.paths import socket_dir, valkey_socket
from flywheel.embedded.postgres import FAST_SETTINGS, Postgres
from flywheel.embedded.valkey import KEPT, THROWN_AWAY, Valkey

MAX_LOG_BYTES = 20_000_000


@contextlib.contextmanager
def sole_owner(var: Path) -> Iterator[None]:
    """Hold the folder's lock: a second Valkey on a socket would silently steal it.

    Raises EmbeddedError when another supervisor holds it. The lock goes with the process, however it ends.
    """
    var.mkdir(parents=True, exist_ok=True)
    handle = os.open(var / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.truncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    except BlockingIOError:
        holder = (var / "lock").read_text().strip()
        raise EmbeddedError(f"Already running on {var} (process {holder}). Stop that one first.") from None
    finally:
        os.close(handle)


@contextlib.contextmanager
def running(
    var: Path, *, postgres: bool = True, valkey: bool = True, throw_away: bool = False
) -> Iterator[list[Postgres | Valkey]]:
    """Run the wanted servers for the length of the block; Valkey is stopped before PostgreSQL.

    The caller holds `sole_owner(var)`. `throw_away`: for tests, nothing need survive a crash.
    """
    with contextlib.ExitStack() as stack:
        servers = _wanted(var, postgres, valkey, throw_away)
        for server in servers:
            stack.callback(server.stop)
            server.start()
        yield servers


def _wanted(var: Path, postgres: bool, valkey: bool, throw_away: bool) -> list[Postgres | Valkey]:
    if not postgres and not valkey:
        return []
    home, account = prepare_home(var)
    sockets = prepare_sockets(socket_dir(var), account)
    servers: list[Postgres | Valkey] = []
    if postgres:
        servers.append(make_postgres(var, home, sockets, account, throw_away))
    if valkey:
        servers.append(make_valkey(var, home, account, throw_away))
    return servers


def make_postgres(var: Path, home: Path, sockets: Path, account: Account, throw_away: bool) -> Postgres:
    """The folder's PostgreSQL, not started yet."""
    return Postgres(
        data=home / "pg",
        sockets=sockets,
        programs=binaries.postgres_bin(account, home),
        account=account,
        log=log_file(var, "postgres"),
        settings=FAST_SETTINGS if throw_away else {},
    )


def make_valkey(var: Path, home: Path, account: Account, throw_away: bool) -> Valkey:
    """The folder's Valkey, not started yet."""
    return Valkey(
        data=home / "valkey",
        address=socket_dir(var).resolve() / valkey_socket(var).name,
        program=binaries.valkey_server(account, home),
        account=account,
        log=log_file(var, "valkey"),
        options=THROWN_AWAY if throw_away else KEPT,
    )


def log_file(var: Path, name: str) -> Path:
    """The server's log in `var`/log; one that has grown large is put aside once."""
    path = var / "log" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path
