"""The servers of one test run: throw-away ones, or those that DATABASE_URL and REDIS_URL name.

The process that starts pytest starts them, its xdist workers inherit their addresses through the environment. One
database is migrated once; each worker gets a copy of it, and a Redis database of its own.
"""

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import psycopg
from psycopg import sql

from flywheel.embedded.paths import DATABASE, socket_dir, valkey_socket
from flywheel.embedded.postgres import ADMIN
from flywheel.embedded.servers import running

RUN = "FLYWHEEL_TEST_RUN"  # names this run's databases; set by the process that started the servers
MIGRATION_LOCK = 20_261_123  # an advisory lock's number, any will do

Maintenance = psycopg.Connection[tuple[object, ...]]


@contextlib.contextmanager
def new_var() -> Iterator[Path]:
    """A folder for one throw-away pair of servers, at a short path that their own user can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="flywheel-test-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def for_this_run() -> Iterator[None]:
    """Set DATABASE_URL, REDIS_URL, VAR_DIR and SECRET_KEY for the run, starting the servers that are not given."""
    own_postgres, own_valkey = not os.environ.get("DATABASE_URL"), not os.environ.get("REDIS_URL")
    with new_var() as var, running(var, postgres=own_postgres, valkey=own_valkey, throw_away=True):
        os.environ.update({RUN: uuid.uuid4().hex[:8], "VAR_DIR": str(var), "SECRET_KEY": "only-for-tests"})
        if own_postgres:
            _let_role_make_databases(socket_dir(var))
            os.environ["DATABASE_URL"] = f"postgres://{DATABASE}@/{DATABASE}?host={socket_dir(var)}"
        if own_valkey:
            os.environ["REDIS_URL"] = f"unix://{valkey_socket(var)}?db=0"
        yield
        if not own_postgres:
            drop_run_databases()


def _let_role_make_databases(sockets: Path) -> None:
    with psycopg.connect(host=str(sockets), user=ADMIN, dbname="postgres", autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(DATABASE)))


def own_redis(url: str, worker: str) -> str:
    """`url` with database 1, 2, ... for worker gw0, gw1, ...; a run without workers keeps its own."""
    if not worker.startswith("gw"):
        return url
    number = int(worker.removeprefix("gw")) + 1
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return _joined(parts, query=urlencode({**dict(parse_qsl(parts.query)), "db": str(number)}))
    return _joined(parts, path=f"/{number}")


def _joined(parts: SplitResult, **changes: str) -> str:
    """The address with some parts changed; urlunsplit would drop the slashes of an empty host."""
    parts = parts._replace(**changes)
    return f"{parts.scheme}://{parts.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")


def url_of(database: str) -> str:
    """DATABASE_URL with another database's name."""
    return _joined(urlsplit(os.environ["DATABASE_URL"]), path=f"/{database}")


def name_of(part: str) -> str:
    """This run's database for one worker, or its template."""
    return f"test_{DATABASE}_{os.environ[RUN]}_{part}"


@contextlib.contextmanager
def maintenance() -> Iterator[Maintenance]:
    """A connection outside the databases that are made and copied, holding the run's lock."""
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        yield connection


def exists(connection: Maintenance, database: str) -> bool:
    """Whether the server has this database."""
    return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone() is not None


def create_database(connection: Maintenance, database: str) -> None:
    """Make an empty database."""
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))


def rename_database(connection: Maintenance, database: str, name: str) -> None:
    """Give a database that nobody is connected to its final name."""
    connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(database), sql.Identifier(name)))


def copy_database(connection: Maintenance, template: str, database: str) -> None:
    """Make `database` as a copy of `template`."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(database), sql.Identifier(template))
    connection.execute(statement)


def drop_run_databases() -> None:
    """Remove what this run made on a server that stays."""
    with maintenance() as connection:
        made = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [name_of("%")]).fetchall()
        for (name,) in made:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(name))))
