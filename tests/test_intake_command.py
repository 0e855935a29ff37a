"""manage.py import: files from a script."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Order, Payment
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch, Mapping
from flywheel.intake.plans import by_header
from flywheel.jobs.models import Job
from tests.builders import csv_file, order

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uploads(settings: object, tmp_path: Path) -> None:
    """Uploaded files go to the test's own folder."""
    settings.UPLOAD_DIR = tmp_path / "uploads"  # type: ignore[attr-defined]


def run(*arguments: object) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("import", *map(str, arguments), "--workspace", "acme", stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_several_files_are_recognised_and_loaded(workspace: Workspace, tmp_path: Path) -> None:
    files = [
        csv_file(tmp_path, [order()], "orders.csv"),
        csv_file(tmp_path, [{"order_id": "A-1", "sequence": 1, "method": "card", "amount": 9}], "payments.csv"),
    ]
    out, err = run(*files, "--wait", "--source", "My Shop")
    assert "orders.csv: 1 rows as orders: 1 new, 0 changed, 0 unchanged" in out
    assert "payments.csv: 1 rows as payments: 1 new" in out
    assert "Reading the file" in err
    assert Order.objects.get().source.slug == "my-shop"
    assert Payment.objects.get().order_week


def test_a_source_may_have_a_name_in_chinese(workspace: Workspace, tmp_path: Path) -> None:
    run(csv_file(tmp_path, [order()]), "--wait", "--source", "天猫旗舰店")
    assert (Order.objects.get().source.slug, Order.objects.get().source.name) == ("天猫旗舰店", "天猫旗舰店")


def test_a_source_needs_a_name_with_letters(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="letters or digits"):
        run(csv_file(tmp_path, [order()]), "--wait", "--source", "!")


def test_a_bundled_mapping_is_used_by_name(workspace: Workspace, tmp_path: Path) -> None:
    rows = [{"order_id": "A-1", "payment_sequential": 1, "payment_type": "boleto", "payment_value": "7.5"}]
    run(csv_file(tmp_path, rows), "--wait", "--mapping", "olist-payments")
    assert Payment.objects.get().method == "boleto"


def test_a_rejected_file_is_explained_and_ends_with_code_1(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    err = StringIO()
    path = csv_file(tmp_path, [order(), order("A-2", gross="x")])
    with pytest.raises(SystemExit) as caught:
        call_command("import", str(path), "--workspace", "acme", "--wait", stderr=err)
    assert caught.value.code == 1
    assert "line 3, gross: 'x': expected an amount such as 1234.50" in err.getvalue()


def test_a_date_format_that_cannot_be_read_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    options = {"date_format": "%Q"}
    plan = by_header(KINDS["orders"], list(order())).with_options(options)
    Mapping.objects.create(workspace=workspace, slug="odd", plans=[plan.as_data])
    with pytest.raises(CommandError, match=r"a date format such as %d\.%m\.%Y %H:%M"):
        run(csv_file(tmp_path, [order()]), "--mapping", "odd")
    assert not Batch.objects.exists()


def test_a_file_read_where_it_is_stays_there(workspace: Workspace, tmp_path: Path) -> None:
    path = csv_file(tmp_path, [order()])
    run(path, "--wait")
    assert path.exists()


def test_without_waiting_a_job_loads_it(workspace: Workspace, tmp_path: Path) -> None:
    path = csv_file(tmp_path, [order()])
    run(path)
    path.unlink()  # the worker has its own copy
    assert Path(Batch.objects.get().path).exists()
    assert Job.objects.get().params == {"batch": Batch.objects.get().pk}


@pytest.mark.parametrize("wrong", [("--mapping", "nonsense"), ("--source", "x")])
def test_what_does_not_exist_is_named(workspace: Workspace, tmp_path: Path, wrong: tuple[str, str]) -> None:
    path = csv_file(tmp_path, [{"what": 1}])
    with pytest.raises(CommandError, match=r"nonsense|fits no kind"):
        run(path, *wrong)
