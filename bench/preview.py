"""The preview of a file of a gigabyte: everything between the upload and the page, without a database.

    .venv/bin/python -m bench.preview --megabytes 1024 --rounds 5

Prints the median seconds of finding the format, reading the header and the first rows, and choosing the plan by the
header, for UTF-8, cp1252 and GB18030; the bar is 2 s.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.intake import HEADER

NAMES = {"utf-8": "Łódź 上海 São Paulo", "cp1252": "São Paulo, Köln", "gb18030": "上海市浦东新区"}
BLOCK_ROWS = 50_000
BAR_SECONDS = 2.0


def write_large(path: Path, megabytes: int, encoding: str) -> None:
    """An orders file of about that size, with names that only its encoding can write."""
    place = NAMES[encoding].replace(",", "")
    row = f"{{n:012}},C-7,{place},google,mobile,paid,2026-03-02 10:00:00,EUR,100.00,5.00,4.90,40.00\n"
    block = "".join(row.format(n=n) for n in range(BLOCK_ROWS)).encode(encoding)
    with path.open("wb") as file:
        file.write(f"{HEADER}\n".encode(encoding))
        while file.tell() < megabytes * 1024**2:
            file.write(block)


def seconds(path: Path) -> float:
    """How long one preview takes."""
    from flywheel.intake.kinds import KINDS
    from flywheel.intake.plans import by_header
    from flywheel.intake.samples import preview

    began = time.perf_counter()
    seen = preview(path)
    plans = [by_header(kind, seen.header) for kind in KINDS.values()]
    assert len(plans) == len(KINDS)
    assert seen.rows
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.environ |= {"DJANGO_SETTINGS_MODULE": "flywheel.settings", "SECRET_KEY": "bench"}
    import django

    django.setup()
    with tempfile.TemporaryDirectory() as folder:
        for encoding in NAMES:
            path = Path(folder) / "large.csv"
            write_large(path, options.megabytes, encoding)
            taken = median(seconds(path) for _ in range(options.rounds))
            print(f"{encoding:8} {path.stat().st_size / 1024**2:6.0f} MB  {taken:.2f} s (bar {BAR_SECONDS:.0f} s)")


if __name__ == "__main__":
    main()
