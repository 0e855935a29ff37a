"""The embedded servers: made once, started, stopped, and never left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from flywheel.embedded import account, binaries, process
from flywheel.embedded.account import Account
from flywheel.embedded.errors import EmbeddedError
from flywheel.embedded.paths import DATABASE, MAX_SOCKET_PATH, servers_dir, socket_dir, valkey_socket
from flywheel.embedded.servers import running, sole_owner
from tests.servers import new_var

HOLD = """
import sys, time
from pathlib import Path
from flywheel.embedded.servers import running, sole_owner
var = Path(sys.argv[1])
with sole_owner(var), running(var, throw_away=True):
    print("up", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def var() -> Iterator[Path]:
    """A folder for servers, at a short path that their own user can reach."""
    with new_var() as folder:
        yield folder


def _connect(var: Path) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(host=str(socket_dir(var)), user=DATABASE, dbname=DATABASE, autocommit=True)


def _ask(address: Path, command: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(address))
        line.sendall(command + b"\r\n")
        return line.recv(256)


def test_a_second_start_keeps_the_data_of_both_servers(var: Path) -> None:
    with running(var):
        with _connect(var) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        assert _ask(valkey_socket(var), b"SET kept 7") == b"+OK\r\n"
    with running(var):
        with _connect(var) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
        assert _ask(valkey_socket(var), b"GET kept") == b"$1\r\n7\r\n"


def test_chinese_letters_are_letters_to_the_database(var: Path) -> None:
    with running(var, valkey=False), _connect(var) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")
        assert connection.execute("SELECT similarity('增长飞轮', '增长飞轮') = 1").fetchone() == (True,)


def test_the_products_role_is_no_superuser(var: Path) -> None:
    with running(var, valkey=False), _connect(var) as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)


def test_nothing_listens_on_the_network(var: Path) -> None:
    with running(var), _connect(var) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert b"\r\nport\r\n$1\r\n0\r\n" in _ask(valkey_socket(var), b"CONFIG GET port")


def test_a_half_made_cluster_is_made_anew(var: Path) -> None:
    home, owner = account.prepare_home(var)
    owner.own(home / "pg.new").joinpath("PG_VERSION").write_text("18\n")
    with running(var, valkey=False), _connect(var) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_stale_postmaster_pid_of_a_living_process_is_not_trusted(var: Path) -> None:
    with running(var, valkey=False):
        pass
    (servers_dir(var) / "pg" / "postmaster.pid").write_text(f"{os.getppid()}\n{servers_dir(var) / 'pg'}\n")
    with running(var, valkey=False), _connect(var) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_second_supervisor_on_the_folder_is_refused(var: Path) -> None:
    with sole_owner(var), pytest.raises(EmbeddedError, match=f"process {os.getpid()}"), sole_owner(var):
        pass


def test_the_lock_is_free_again_afterwards(var: Path) -> None:
    for _ in range(2):
        with sole_owner(var):
            pass


def _hold(var: Path) -> "subprocess.Popen[bytes]":
    """A supervisor in another process, with both servers up."""
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(var)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    child.stdout.close()
    return child


def _left_in(var: Path) -> list[int]:
    home = servers_dir(var).resolve()
    return process.living_in(home / "pg") + process.living_in(home / "valkey")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a parent-death signal")
def test_a_killed_supervisor_leaves_no_server_behind(var: Path) -> None:
    child = _hold(var)
    assert len(_left_in(var)) > 2
    child.kill()
    child.wait()
    assert process.wait_until(lambda: not _left_in(var), 10)


def test_it_starts_right_after_a_hard_kill(var: Path) -> None:
    child = _hold(var)
    child.kill()
    child.wait()
    with sole_owner(var), running(var), _connect(var) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_backends_orphaned_by_a_killed_postmaster_are_ended(var: Path) -> None:
    child = _hold(var)
    home = servers_dir(var).resolve()
    postmaster = int((home / "pg" / "postmaster.pid").read_text().splitlines()[0])
    for pid in process.living_in(home / "pg"):
        if pid != postmaster:
            os.kill(pid, signal.SIGSTOP)  # it cannot see that its postmaster is gone
    os.kill(postmaster, signal.SIGKILL)
    child.kill()
    child.wait()
    process.clear(home / "pg", patience=0.3)
    assert process.living_in(home / "pg") == []


def test_a_server_that_does_not_start_says_why(var: Path) -> None:
    with running(var, valkey=False):
        pass
    (servers_dir(var) / "pg" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedError, match="no_such_setting"), running(var, valkey=False):
        pass


@pytest.mark.parametrize("depth", [1, 40])
def test_socket_paths_fit_the_kernel_however_deep_the_folder_is(depth: int) -> None:
    var = Path("/srv") / "/".join(["deep"] * depth) / "var"
    assert len(str(socket_dir(var) / ".s.PGSQL.5432.lock")) <= MAX_SOCKET_PATH
    assert valkey_socket(var).parent == socket_dir(var)


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.symlink_to(tmp_path)
    with pytest.raises(EmbeddedError, match="belongs to another user"):
        account.prepare_sockets(theirs, account.current())


def test_an_account_does_not_reach_below_a_closed_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    other = Account(uid=os.geteuid() + 12345, gid=os.getegid() + 12345)
    assert not other.reaches(closed / "program")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the servers to another user")
def test_root_may_keep_the_folder_where_nobody_can_go(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "FALLBACK", var / "elsewhere")
    closed = var / "closed"
    closed.mkdir(mode=0o700)
    with running(closed, throw_away=True), _connect(closed) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert servers_dir(closed).is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the servers to another user")
def test_the_servers_do_not_run_as_root(var: Path) -> None:
    with running(var, throw_away=True):
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in _left_in(var)}
    assert owners == {account.nobody().uid}


def test_programs_out_of_reach_are_copied_and_run_from_there(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = var / "home"
    home.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(Account, "reaches", lambda self, path: False)
        postgres = binaries.postgres_bin(account.current(), home)
        valkey = binaries.valkey_server(account.current(), home)
    assert home in postgres.parents
    assert home in valkey.parents
    monkeypatch.setenv("POSTGRES_BIN", str(postgres))
    monkeypatch.setenv("VALKEY_BIN", str(valkey))
    with running(var, throw_away=True), _connect(var) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_folder_without_the_programs_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_BIN", str(tmp_path))
    with pytest.raises(EmbeddedError, match="POSTGRES_BIN: no postgres, initdb, pg_isready"):
        binaries.postgres_bin(account.current(), tmp_path)


def test_a_valkey_that_is_no_program_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VALKEY_BIN", str(tmp_path))
    with pytest.raises(EmbeddedError, match=r"VALKEY_BIN=.*not a program"):
        binaries.valkey_server(account.current(), tmp_path)


def test_given_programs_are_used(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = binaries.postgres_bin(account.current(), var)
    monkeypatch.setenv("POSTGRES_BIN", str(bundled))
    assert binaries.postgres_bin(account.current(), var) == bundled


def test_a_stubborn_process_is_killed_at_last(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    log = tmp_path / "log"
    with log.open("wb") as file:
        child = process.spawn([sys.executable, "-c", code], death_signal=signal.SIGKILL, cwd=tmp_path, log=file)
    assert process.wait_until(lambda: log.read_bytes() == b"up\n", 10)
    begun = time.monotonic()
    process.stop(child, [(signal.SIGTERM, 0.2)])
    assert child.returncode == -signal.SIGKILL
    assert time.monotonic() - begun < 5
