"""The supervisor of `make demo`, and what prepares a checkout to serve."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from flywheel import prepare, probe, run
from flywheel.embedded.errors import EmbeddedError
from flywheel.embedded.process import living_in, wait_until
from flywheel.embedded.supervisor import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, STEADY_SECONDS, Keeper
from tests.servers import new_var


class Fragile:
    """A service whose end is decided by the test."""

    name = "fragile"

    def __init__(self) -> None:
        self.alive = True
        self.starts = 0

    def start(self) -> None:
        self.alive = True
        self.starts += 1

    def stop(self) -> None:
        self.alive = False

    def is_alive(self) -> bool:
        return self.alive


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _seconds_until_revived(keeper: Keeper, service: Fragile, clock: Clock) -> float:
    service.alive = False
    ended = clock.now
    while not service.alive:
        keeper.look()
        clock.now += 0.25
    return clock.now - ended


def test_a_service_that_ended_is_started_again_after_a_pause() -> None:
    service, clock = Fragile(), Clock()
    keeper = Keeper(service, clock)
    keeper.look()
    assert service.starts == 0
    assert FIRST_PAUSE_SECONDS <= _seconds_until_revived(keeper, service, clock) <= FIRST_PAUSE_SECONDS + 0.5
    assert service.starts == 1


def test_pauses_grow_to_a_limit_while_it_keeps_ending() -> None:
    service, clock = Fragile(), Clock()
    keeper = Keeper(service, clock)
    pauses = [_seconds_until_revived(keeper, service, clock) for _ in range(8)]
    assert pauses == sorted(pauses)
    assert pauses[1] > pauses[0]
    assert pauses[-1] <= LONGEST_PAUSE_SECONDS + 0.5


def test_a_service_that_ran_steadily_starts_with_the_short_pause_again() -> None:
    service, clock = Fragile(), Clock()
    keeper = Keeper(service, clock)
    for _ in range(4):
        _seconds_until_revived(keeper, service, clock)
    clock.now += STEADY_SECONDS
    assert _seconds_until_revived(keeper, service, clock) <= FIRST_PAUSE_SECONDS + 0.5


def test_a_server_that_cannot_come_back_is_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(Fragile):
        def start(self) -> None:
            self.starts += 1
            raise EmbeddedError("the disk is full")

    service, clock = Broken(), Clock()
    keeper = Keeper(service, clock)
    service.alive = False
    for _ in range(40):
        keeper.look()
        clock.now += 0.25
    assert service.starts >= 2
    assert "the disk is full" in capsys.readouterr().out


def test_a_taken_port_is_told_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedError, match=rf"127\.0\.0\.1:{port} cannot be used .* PORT={port + 1}"):
            run.check_port("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", "http://127.0.0.1:8000/"), ("0.0.0.0", "http://127.0.0.1:8000/"), ("::", "http://[::1]:8000/")],
)
def test_the_printed_address_is_one_that_a_browser_can_open(host: str, expected: str) -> None:
    assert probe.address(host, 8000) == expected


def test_the_box_of_the_demo_says_how_to_log_in() -> None:
    box = run.welcome("http://127.0.0.1:8000/", True, Path("/srv/var"))
    assert all(part in box for part in ("http://127.0.0.1:8000/", run.DEMO_EMAIL, run.DEMO_PASSWORD, "Ctrl-C"))


# --- preparing --------------------------------------------------------------------------------------------------------
CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "Flywheel"
msgstr "增长飞轮"
"""


def test_translations_are_compiled_when_their_source_is_newer(tmp_path: Path) -> None:
    folder = tmp_path / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = folder / "django.po"
    source.write_text(CATALOGUE)
    assert prepare.compile_messages(tmp_path) == [source]
    assert "增长飞轮".encode() in (folder / "django.mo").read_bytes()
    assert prepare.compile_messages(tmp_path) == []
    later = (folder / "django.mo").stat().st_mtime + 10
    os.utime(source, (later, later))
    assert prepare.compile_messages(tmp_path) == [source]


def test_static_files_are_collected_only_when_a_source_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.css").write_text("body { color: red }")
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [source], tmp_path / "root"  # type: ignore[attr-defined]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]  # type: ignore[attr-defined]
    assert prepare.collect_static()
    assert not prepare.collect_static()
    (source / "a.css").write_text("body { color: blue; }")
    assert prepare.collect_static()
    assert (tmp_path / "root" / "a.css").read_text() == "body { color: blue; }"


# --- the whole product ------------------------------------------------------------------------------------------------
@pytest.fixture
def product_environment() -> Iterator[dict[str, str]]:
    """The environment of a product that starts its own servers in a folder of its own, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with new_var() as var:
        kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}}
        yield {**kept, "VAR_DIR": str(var), "PORT": str(port), "WEB_WORKERS": "1", "CELERY_WORKERS": "1"}


def _members(session_leader: int) -> list[int]:
    """Every process under the supervisor, at any depth."""
    listed = Path(f"/proc/{session_leader}/task/{session_leader}/children").read_text().split()
    return [pid for child in map(int, listed) for pid in (child, *_members(child))]


def _status(port: str) -> int | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return int(answer.status)
    except OSError:
        return None


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_the_product_starts_heals_and_leaves_nothing_behind(end: int, product_environment: dict[str, str]) -> None:
    var = Path(product_environment["VAR_DIR"])
    command = [sys.executable, "-m", "flywheel.run"]
    process = subprocess.Popen(command, env=product_environment, cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: _status(product_environment["PORT"]) == 200, 90, pause=0.5)
        (postgres, *_) = [pid for pid in _members(process.pid) if pid in living_in(var / "servers" / "pg")]
        os.kill(postgres, signal.SIGKILL)
        assert wait_until(lambda: _status(product_environment["PORT"]) != 200, 10, pause=0.1)
        assert wait_until(lambda: _status(product_environment["PORT"]) == 200, 30, pause=0.5)
        family = _members(process.pid)
        process.send_signal(end)
        assert process.wait(60) == (0 if end == signal.SIGINT else -signal.SIGKILL)
        assert wait_until(lambda: not [pid for pid in family if _is_running(pid)], 20)
    finally:
        process.kill()
        process.wait()


def _is_running(pid: int) -> bool:
    """Whether the process is there and more than a zombie that nobody has collected yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_bad_setting_is_refused_before_anything_starts(tmp_path: Path) -> None:
    environment = {**os.environ, "VAR_DIR": str(tmp_path / "var"), "CELERY_WORKERS": "0"}
    command = [sys.executable, "-m", "flywheel.run"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=settings.BASE_DIR, check=False)
    assert ended.returncode == 1
    assert "Cannot start: CELERY_WORKERS='0': expected a whole number from 1 to 64." in ended.stdout + ended.stderr
    assert not (tmp_path / "var" / "servers").exists()
