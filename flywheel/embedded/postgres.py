"""The embedded PostgreSQL: made once, started as a direct child, stopped in order."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from flywheel.embedded.account import Account
from flywheel.embedded.errors import EmbeddedError
from flywheel.embedded.paths import DATABASE
from flywheel.embedded.process import clear, spawn, stop, wait_until

ADMIN = "postgres"  # the cluster's superuser; the product's own role has no such right
START_SECONDS = 120  # with the replay of the log after a hard kill
# The builtin C.UTF-8 provider: with a plain C character type trigram search finds no Chinese; this build has no ICU.
INITDB_OPTIONS = (
    "--encoding=UTF8",
    "--locale=C",
    "--lc-ctype=C.UTF-8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth-local=trust",  # the socket's folder is closed to everyone else
    "--auth-host=reject",
)
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_preload_libraries": "pg_stat_statements",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling costs more than it saves on queries of this size
}
FAST_SETTINGS: Mapping[str, str] = {  # for servers that are thrown away
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
}


@dataclass
class Postgres:
    """One cluster in `data`, listening on a socket in `sockets`, run by `account` with the programs in `programs`."""

    data: Path
    sockets: Path
    programs: Path
    account: Account
    log: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    name: str = "PostgreSQL"

    def start(self) -> None:
        """Make the cluster when it is new, start it, and see that the product's role and database exist.

        Raises EmbeddedError with the end of the server's log when it does not come up.
        """
        self._initialise()
        clear(self.data)
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # nobody lives here: its number may be anybody's now
        self._launch()
        if not wait_until(self._is_ready_or_over, START_SECONDS) or not self.is_ready():
            self.stop()
            raise EmbeddedError(f"PostgreSQL did not start:\n{tail(self.log)}")
        self._ensure_database()

    def stop(self) -> None:
        """Fast shutdown: sessions end, the cluster is left clean."""
        if self.process is not None:
            stop(self.process, [(signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0)])

    def is_alive(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.poll() is None

    def is_ready(self) -> bool:
        """Whether it accepts connections."""
        command = [str(self.programs / "pg_isready"), "-q", "-h", str(self.sockets)]
        return subprocess.run(command, check=False).returncode == 0

    def _launch(self) -> None:
        options = {**SETTINGS, "unix_socket_directories": str(self.sockets), **self.settings}
        command: list[str | Path] = [self.programs / "postgres", "-D", self.data]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self.process = spawn(
                command,
                death_signal=signal.SIGINT,
                cwd=self.data,
                account=self.account,
                env=_environment(),
                log=log,
            )

    def _is_ready_or_over(self) -> bool:
        return self.is_ready() or not self.is_alive()

    def _initialise(self) -> None:
        """initdb into a folder beside, renamed when whole: a half-made cluster is never taken for one."""
        if (self.data / "PG_VERSION").exists():
            return
        partial = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(partial, ignore_errors=True)
        self.account.own(partial)
        command: list[str | Path] = [
            self.programs / "initdb",
            "-D",
            partial,
            "-U",
            ADMIN,
            "--no-instructions",
            *INITDB_OPTIONS,
        ]
        if self.settings.get("fsync") == "off":
            command.append("--no-sync")
        with self.log.open("ab") as log:
            process = spawn(
                command,
                death_signal=signal.SIGKILL,
                cwd=partial,
                account=self.account,
                env=_environment(),
                log=log,
            )
        if process.wait() != 0:
            raise EmbeddedError(f"initdb failed:\n{tail(self.log)}")
        partial.rename(self.data)

    def _ensure_database(self) -> None:
        with psycopg.connect(host=str(self.sockets), user=ADMIN, dbname="postgres", autocommit=True) as admin:
            name = sql.Identifier(DATABASE)
            if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [DATABASE]).fetchone():
                admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
        with psycopg.connect(host=str(self.sockets), user=ADMIN, dbname=DATABASE, autocommit=True) as admin:
            admin.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


def _environment() -> dict[str, str]:
    """PATH and a UTF-8 locale; no PG* variable of the person's shell may redirect the server."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def tail(log: Path, lines: int = 15) -> str:
    """The last `lines` lines of a log file."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
