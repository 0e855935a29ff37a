"""Makes a checkout ready to serve: translations compiled, static files collected, tables up to date.

`python -m flywheel.prepare` does all three, `--files` the first two (no database needed). Each step is skipped in
well under a second when nothing changed.
"""

import argparse
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.core.exceptions import ImproperlyConfigured

MIN_POSTGRES = 18  # RETURNING old and new values, by which loading knows what it changed


def compile_messages(locale: Path) -> list[Path]:
    """Compile every .po under `locale` that is newer than its .mo (Babel: no gettext tools needed); returns them."""
    compiled = []
    for source in sorted(locale.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as file:
            catalogue = read_po(file, locale=source.parts[-3])
        partial = target.with_suffix(f".{os.getpid()}")
        with partial.open("wb") as file:
            write_mo(file, catalogue)
        partial.replace(target)
        compiled.append(source)
    return compiled


def collect_static() -> bool:
    """Collect static files into STATIC_ROOT when any source changed since the last time; returns whether it did."""
    from django.conf import settings
    from django.core.management import call_command

    stamp = Path(f"{settings.STATIC_ROOT}.stamp")
    state = hashlib.sha256("\n".join(_static_sources()).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == state:
        return False
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(state)
    return True


def _static_sources() -> Iterator[str]:
    """One line per source file: name, size, time of change."""
    from django.contrib.staticfiles.finders import get_finders

    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda pair: pair[0]):
            status = Path(storage.path(name)).stat()
            yield f"{storage.path(name)} {status.st_size} {status.st_mtime_ns}"


def check_server() -> None:
    """Raise ImproperlyConfigured when the database server is too old for the statements that loading uses."""
    from django.db import connection

    connection.ensure_connection()
    version = connection.pg_version  # type: ignore[attr-defined]
    if version < MIN_POSTGRES * 10_000:
        raise ImproperlyConfigured(
            f"PostgreSQL {MIN_POSTGRES} or later is needed; the server of DATABASE_URL is {version // 10_000}."
        )


def main() -> None:
    """Run the steps in order."""
    parser = argparse.ArgumentParser(prog="python -m flywheel.prepare", description=__doc__)
    parser.add_argument("--files", action="store_true", help="translations and static files only, no database")
    wanted = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flywheel.settings")

    import django
    from django.conf import settings
    from django.core.management import call_command

    for locale in settings.LOCALE_PATHS:
        compile_messages(Path(locale))
    django.setup()
    collect_static()
    if not wanted.files:
        check_server()
        call_command("migrate", interactive=False, verbosity=1 if settings.DEBUG else 0)


if __name__ == "__main__":
    try:
        main()
    except ImproperlyConfigured as error:
        sys.exit(str(error))
