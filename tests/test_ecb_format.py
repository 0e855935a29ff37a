"""The European Central Bank's file of reference rates, as it is published and by parts."""

import csv
import io
import zipfile
from pathlib import Path

import pytest
from currency_converter import CURRENCY_FILE

from flywheel.accounts.models import Workspace
from flywheel.facts.models import DirtyWeek, ExchangeRate, Order
from flywheel.intake.formats.ecb import rates_of
from flywheel.intake.models import Batch
from flywheel.intake.recognising import first_guess
from tests.builders import load_plan, loaded, order

HEADER = ["Date", "USD", "JPY", "BGN", ""]  # the trailing comma of eurofxref-hist.csv is a column without a name


def test_each_rate_is_a_record_of_its_row() -> None:
    rows = [["2026-10-30", "1.1172", "175.68", "N/A", ""], ["2026-10-29", "N/A", "175.92", "1.9558", ""]]
    assert list(rates_of(HEADER, rows)) == [
        (0, ["USD", "1.1172"]),
        (0, ["JPY", "175.68"]),
        (1, ["JPY", "175.92"]),
        (1, ["BGN", "1.9558"]),
    ]


def test_what_is_missing_is_no_record_and_what_is_no_rate_is_left_to_be_refused() -> None:
    assert list(rates_of(HEADER, [["2026-10-30", "", " n/a ", "-", ""]])) == []
    assert list(rates_of(HEADER, [["2026-10-30", "lots", "N/A", "N/A", ""]])) == [(0, ["USD", "lots"])]


# --- loaded -----------------------------------------------------------------------------------------------------------
def load(workspace: Workspace, path: Path) -> Batch:
    guessed = first_guess(workspace, path)
    assert guessed is not None
    assert guessed.name == "ecb-rates"
    return load_plan(workspace, path, guessed.plans, "bank")


def published(folder: Path, rows: slice) -> Path:
    """The Bank's zip with some of its rows."""
    with zipfile.ZipFile(CURRENCY_FILE) as archive:
        header, *days = archive.read("eurofxref-hist.csv").decode().splitlines(keepends=True)
    path = folder / "eurofxref-hist.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("eurofxref-hist.csv", "".join([header, *days[rows]]))
    return path


@pytest.mark.django_db
def test_the_banks_zip_is_read_as_it_is_published(workspace: Workspace, tmp_path: Path) -> None:
    path = published(tmp_path, slice(600, 1300))
    batch = load(workspace, path)
    with zipfile.ZipFile(path) as archive:
        rows = list(csv.reader(io.StringIO(archive.read("eurofxref-hist.csv").decode())))
    assert batch.state == Batch.State.LOADED
    assert batch.added == sum(cell not in {"", "N/A"} for row in rows[1:] for cell in row[1:])
    dollar = ExchangeRate.objects.get(currency="USD", day=rows[1][0])
    assert float(dollar.per_euro) == float(rows[1][1])


@pytest.mark.django_db
def test_the_rates_that_are_known_already_move_no_order(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order(currency="USD")])
    rate = Order.objects.get().fx_rate
    DirtyWeek.objects.all().delete()
    load(workspace, published(tmp_path, slice(0, 300)))
    assert Order.objects.get().fx_rate == rate
    assert not DirtyWeek.objects.exists()


@pytest.mark.django_db
def test_a_bad_rate_is_told_with_the_line_of_its_day(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text("Date,USD,JPY,GBP,\n2026-10-30,1.1,170,0.83,\n2026-10-29,1.1,lots,0.83,\n")
    batch = load(workspace, path)
    assert list(batch.errors.values_list("line", "value", "code")) == [(3, "lots", "per_euro")]
    assert not ExchangeRate.objects.exists()
