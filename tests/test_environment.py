"""Settings from the environment: bad values are refused in words, and every variable is in the README."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from flywheel import environment as env

SOURCES = sorted((env.BASE_DIR / "flywheel").rglob("*.py"))
NOT_OURS = {"DJANGO_SETTINGS_MODULE", "OPENBLAS_NUM_THREADS", "PATH"}  # set or read, but no setting of the product


def _readme_rows() -> list[str]:
    readme = (env.BASE_DIR / "README.md").read_text()
    section = readme.split("\n## Environment\n")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("|")]


def test_the_readmes_table_says_what_the_program_reads() -> None:
    assert _readme_rows() == env.table().splitlines()


def test_no_other_variable_is_read_anywhere() -> None:
    pattern = re.compile(r"os\.(?:environ(?:\.get|\.setdefault)?|getenv)[\[(]\s*\"([A-Z_]+)\"")
    read = {name for path in SOURCES for name in pattern.findall(path.read_text())}
    assert read - NOT_OURS <= set(env.VARIABLES)


@pytest.mark.parametrize(("word", "expected"), [("on", True), ("TRUE", True), ("0", False), ("no", False), ("", False)])
def test_a_flag_understands_the_usual_words(word: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG", word)
    assert env.flag("DEBUG") is expected


def test_a_flag_refuses_other_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG", "perhaps")
    with pytest.raises(ImproperlyConfigured, match="DEBUG='perhaps': expected true or false"):
        env.flag("DEBUG")


@pytest.mark.parametrize("value", ["80a", "-1", "0", "65536", "1.5"])
def test_a_number_outside_its_range_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", value)
    with pytest.raises(ImproperlyConfigured, match=f"PORT='{value}': expected a whole number from 1 to 65535"):
        env.number("PORT", 1, 65535)


def test_a_choice_names_the_words_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    with pytest.raises(ImproperlyConfigured, match="LOG_LEVEL='LOUD': expected one of ERROR, INFO"):
        env.choice("LOG_LEVEL", {"INFO", "ERROR"})


def test_an_empty_variable_means_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    assert env.number("PORT", 1, 65535) == 8000


def test_a_list_drops_empty_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "a.example, ,b.example,")
    assert env.words("ALLOWED_HOSTS") == ["a.example", "b.example"]


def test_a_database_address_is_taken_apart() -> None:
    entry = env.database("postgres://me:p%40ss@db.example:6432/shop?sslmode=require")
    assert (entry["USER"], entry["PASSWORD"], entry["HOST"], entry["PORT"]) == ("me", "p@ss", "db.example", "6432")
    assert (entry["NAME"], entry["OPTIONS"]) == ("shop", {"sslmode": "require"})


def test_a_database_on_a_socket_is_named_by_its_folder() -> None:
    assert env.database("postgres://me@/shop?host=%2Frun%2Fpg")["HOST"] == "/run/pg"


@pytest.mark.parametrize("url", ["mysql://db/shop", "postgres://db.example", "shop"])
def test_another_kind_of_database_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL: expected postgres://"):
        env.database(url)


def test_redis_on_a_socket_is_named_for_celery_and_for_the_cache() -> None:
    expected = ("redis+socket:///run/valkey.sock?virtual_host=3", "unix:///run/valkey.sock?db=3")
    assert env.redis("unix:///run/valkey.sock?db=3") == expected


def test_redis_on_the_network_has_one_address() -> None:
    assert env.redis("rediss://cache.example:6379/0") == ("rediss://cache.example:6379/0",) * 2


@pytest.mark.parametrize("url", ["memcached://cache", "redis://", "unix://"])
def test_another_kind_of_redis_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL: expected redis://"):
        env.redis(url)


def test_a_mail_server_is_taken_apart() -> None:
    entry = env.mail("smtp://me%40shop:p%2Fss@mail.example:2525/?tls=true")
    assert (entry["EMAIL_HOST"], entry["EMAIL_PORT"]) == ("mail.example", 2525)
    assert (entry["EMAIL_HOST_USER"], entry["EMAIL_HOST_PASSWORD"]) == ("me@shop", "p/ss")


@pytest.mark.parametrize(
    ("url", "port", "starttls", "tls"),
    [
        ("smtp://mail.example", 587, True, False),
        ("smtp://localhost:25/?tls=false", 25, False, False),
        ("smtps://mail.example", 465, False, True),
    ],
)
def test_mail_is_encrypted_unless_told_otherwise(url: str, port: int, starttls: bool, tls: bool) -> None:
    entry = env.mail(url)
    assert (entry["EMAIL_PORT"], entry["EMAIL_USE_TLS"], entry["EMAIL_USE_SSL"]) == (port, starttls, tls)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example:587",
        "http://u:secret@mail.example",
        "smtp://",
        "smtp://u:secret@mail.example:port",
        "smtp://mail.example/?tls=perhaps",
        "smtp://mail.example/?ssl=true",
        "smtps://mail.example/?tls=true",
    ],
)
def test_another_kind_of_mail_server_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL: expected smtp://") as refused:
        env.mail(url)
    assert "secret" not in str(refused.value)


def _start(tmp_path: Path, **given: str) -> "subprocess.CompletedProcess[str]":
    """What `python -m flywheel.run` says when it cannot start."""
    dropped = {*env.VARIABLES, "DJANGO_SETTINGS_MODULE"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    environment = {**kept, "VAR_DIR": str(tmp_path), **given}
    command = [sys.executable, "-m", "flywheel.run"]
    return subprocess.run(
        command, env=environment, cwd=env.BASE_DIR, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_product_refuses_a_bad_port_before_anything_starts(tmp_path: Path) -> None:
    ended = _start(tmp_path, PORT="eighty")
    assert (ended.returncode, ended.stderr) == (1, "")
    assert ended.stdout.startswith("Cannot start: PORT='eighty': expected a whole number")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"DATABASE_URL": "postgres://me@db.invalid/shop"}, "SECRET_KEY is empty"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL='LOUD'"),
        ({"CELERY_WORKERS": "0"}, "CELERY_WORKERS='0'"),
        ({"EMAIL_URL": "smtp://mail.example"}, "EMAIL_FROM='': expected the sender's address"),
    ],
)
def test_bad_settings_are_refused_with_their_name(given: dict[str, str], message: str, tmp_path: Path) -> None:
    dropped = {*env.VARIABLES, "DJANGO_SETTINGS_MODULE"}
    environment = {k: v for k, v in os.environ.items() if k not in dropped} | {"VAR_DIR": str(tmp_path)} | given
    ended = subprocess.run(
        [sys.executable, "-c", "import flywheel.settings"],
        env=environment,
        cwd=env.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert message in ended.stderr
