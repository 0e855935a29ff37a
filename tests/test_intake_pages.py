"""The import pages: who may do what, and the way from a file to its report."""

import errno
import gzip
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string

from flywheel.accounts.models import User, Workspace
from flywheel.facts.models import Order
from flywheel.intake import batches
from flywheel.intake.models import Batch, Mapping
from flywheel.intake.uploads import MEGABYTE
from flywheel.jobs.lost import find_lost_jobs
from flywheel.jobs.models import Job
from tests.builders import Row, csv_text, load_rows, loaded, order

pytestmark = pytest.mark.django_db
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def uploads(settings: object, tmp_path: Path) -> None:
    """Uploaded files go to the test's own folder."""
    settings.UPLOAD_DIR = tmp_path / "uploads"  # type: ignore[attr-defined]


def upload(client: Client, rows: list[Row], **fields: str) -> str:
    """Post a file; returns where the answer leads."""
    file = SimpleUploadedFile("orders.csv", csv_text(rows).encode())
    answer = client.post(reverse("import-new", args=["acme"]), {"file": file, "source": "My shop", **fields})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def mapping_of(client: Client, address: str) -> dict[str, str]:
    """The mapping form as the page proposes it."""
    form = client.get(address).context["form"]
    return {name: str(form[name].value() or "") for name in form.fields} | {"kind": form.kind.slug}


@pytest.mark.parametrize("name", ["import-list", "import-new", "import-detail", "import-map", "import-errors-file"])
def test_a_stranger_finds_nothing(
    client: Client, stranger: User, workspace: Workspace, tmp_path: Path, name: str
) -> None:
    batch = load_rows(workspace, tmp_path, "orders", [order()])
    client.force_login(stranger)
    arguments = ["acme"] if name in ("import-list", "import-new") else ["acme", batch.pk]
    assert client.get(reverse(name, args=arguments)).status_code == 404


def test_a_reader_looks_but_does_not_load(client: Client, reader: User, workspace: Workspace, tmp_path: Path) -> None:
    batch = load_rows(workspace, tmp_path, "orders", [order(gross="x")])
    client.force_login(reader)
    codes = {
        name: client.get(reverse(name, args=["acme", *extra])).status_code
        for name, extra in (
            ("import-list", []),
            ("import-detail", [batch.pk]),
            ("import-new", []),
            ("import-map", [batch.pk]),
            ("import-errors-file", [batch.pk]),
        )
    }
    assert codes == {
        "import-list": 200,
        "import-detail": 200,
        "import-new": 403,
        "import-map": 403,
        "import-errors-file": 403,
    }


def test_a_batch_of_another_workspace_is_not_found(client: Client, owner: User, tmp_path: Path) -> None:
    other = Workspace.objects.create(name="Other", slug="other")
    batch = load_rows(other, tmp_path, "orders", [order()])
    client.force_login(owner)
    assert client.get(reverse("import-detail", args=["acme", batch.pk])).status_code == 404


def test_a_file_is_uploaded_checked_and_loaded(client: Client, engine_lead: User, run_jobs: Callable[[], int]) -> None:
    client.force_login(engine_lead)
    address = upload(client, [order("A-1"), order("A-2")])
    batch = Batch.objects.get()
    assert (batch.state, batch.kind, batch.source.name) == ("draft", "orders", "My shop")
    assert not Order.objects.exists()
    answer = client.post(address, mapping_of(client, address))
    assert answer["Location"] == reverse("import-detail", args=["acme", batch.pk])
    assert 'hx-trigger="every 1s"' in client.get(answer["Location"]).content.decode()
    run_jobs()
    batch.refresh_from_db()
    assert (batch.state, batch.added, batch.created_by) == ("loaded", 2, engine_lead)
    page = client.get(answer["Location"]).content.decode()
    assert "hx-trigger" not in page
    assert (
        client.get(answer["Location"], headers={"hx-request": "true"}).content.decode().lstrip().startswith("<div id=")
    )


def test_a_source_left_blank_is_the_one_that_last_loaded_this_kind(
    client: Client, engine_lead: User, workspace: Workspace, tmp_path: Path
) -> None:
    loaded(workspace, tmp_path, "orders", [order()], source="My shop")
    loaded(workspace, tmp_path, "tickets", [{"ticket_id": "T-1", "opened_at": "2026-03-07"}], source="Help desk")
    client.force_login(engine_lead)
    upload(client, [order("A-2")], source="")
    assert Batch.objects.latest("pk").source.name == "My shop"
    page = client.get(reverse("import-new", args=["acme"])).content.decode()
    assert '<option value="Help desk">' in page


def test_a_source_must_be_named_for_the_first_file_of_a_kind(client: Client, engine_lead: User, tmp_path: Path) -> None:
    client.force_login(engine_lead)
    file = SimpleUploadedFile("orders.csv", csv_text([order()]).encode())
    answer = client.post(reverse("import-new", args=["acme"]), {"file": file, "source": ""})
    assert list(answer.context["form"].errors) == ["source"]
    assert not Batch.objects.exists()
    assert not [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]


def test_shops_with_chinese_names_are_told_apart(
    client: Client, engine_lead: User, run_jobs: Callable[[], int]
) -> None:
    client.force_login(engine_lead)
    for name in ("天猫 shop", "京东 shop"):
        address = upload(client, [order("A-1")], source=name)
        client.post(address, mapping_of(client, address))
    run_jobs()
    assert sorted(Order.objects.values_list("source__slug", flat=True)) == ["京东-shop", "天猫-shop"]


def test_a_batch_is_loaded_once_however_often_it_is_confirmed(client: Client, engine_lead: User) -> None:
    client.force_login(engine_lead)
    address = upload(client, [order()])
    form = mapping_of(client, address)
    client.post(address, form)
    assert client.post(address, form)["Location"] == reverse("import-detail", args=["acme", Batch.objects.get().pk])
    assert Batch.objects.get().workspace.jobs.filter(kind="import").count() == 1


def test_a_mapping_is_saved_and_found_again_by_the_header(client: Client, engine_lead: User) -> None:
    client.force_login(engine_lead)
    rows = [{"Nr": "A-1", "When": "2026-03-02", "Cur": "EUR", "Stand": "weg"}]
    address = upload(client, rows, kind="orders")
    form = mapping_of(client, address)
    form |= {"column-order_id": "Nr", "column-ordered_at": "When", "column-currency": "Cur", "column-status": "Stand"}
    page = client.post(address, form | {"constant-market": "DE", "save_as": "My shop's orders"})
    batch = Batch.objects.get()
    assert page.status_code == 302
    assert batch.plans[0]["constants"] == {"market": "DE"}
    assert Mapping.objects.get().as_plans[0].columns["ordered_at"] == "When"
    again = upload(client, rows)
    assert mapping_of(client, again)["column-ordered_at"] == "When"


def test_words_of_the_file_are_given_a_meaning_on_the_page(
    client: Client, engine_lead: User, run_jobs: Callable[[], int]
) -> None:
    client.force_login(engine_lead)
    address = upload(client, [order("A-1", status="weg"), order("A-2", status="paid")])
    form = mapping_of(client, address)
    assert (form["word-status-0"], form["word-status-1"]) == ("", "open")
    client.post(address, form | {"word-status-0": "shipped"})
    run_jobs()
    assert dict(Order.objects.values_list("status", "state")) == {"weg": "shipped", "paid": "open"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"column-currency": ""},
        {"column-currency": "", "constant-currency": "Dollar"},
        {"time_zone": "Mars/Olympus"},
        {"column-order_id": "no such column"},
        {"date_format": "%Q"},
        {"date_format": "%d.%m.%Y %"},
        {"date_format": "%d.%d.%Y"},
        {"date_format": "%H:%M"},
        {"date_format": "ISO8601"},
        {"date_format": "mixed"},
    ],
)
def test_an_incomplete_mapping_loads_nothing(client: Client, engine_lead: User, wrong: dict[str, str]) -> None:
    client.force_login(engine_lead)
    address = upload(client, [order()])
    answer = client.post(address, mapping_of(client, address) | wrong)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert Batch.objects.get().state == "draft"


def test_a_batch_whose_work_failed_says_why_and_is_started_again(
    client: Client, engine_lead: User, run_jobs: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(engine_lead)
    address = upload(client, [order()])
    form = mapping_of(client, address)
    with monkeypatch.context() as patch:
        patch.setattr("flywheel.facts.upkeep.lock", _broken)
        client.post(address, form)
        run_jobs()
    batch = Batch.objects.get()
    page = client.get(reverse("import-detail", args=["acme", batch.pk])).content.decode()
    assert batch.state == Batch.State.FAILED
    assert "no space left" in page
    assert address in page
    client.post(address, form)
    run_jobs()
    batch.refresh_from_db()
    assert (batch.state, batch.added) == (Batch.State.LOADED, 1)


def test_a_failed_batch_is_loaded_when_its_job_is_run_again(
    client: Client, engine_lead: User, run_jobs: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(engine_lead)
    address = upload(client, [order()])
    with monkeypatch.context() as patch:
        patch.setattr("flywheel.facts.upkeep.lock", _broken)
        client.post(address, mapping_of(client, address))
        run_jobs()
    client.post(reverse("job-again", args=["acme", Batch.objects.get().job.pk]))
    run_jobs()
    assert Batch.objects.get().state == Batch.State.LOADED


def _broken(workspace: Workspace) -> None:
    raise OSError("no space left")


def test_a_batch_whose_worker_died_too_often_has_failed(client: Client, engine_lead: User, settings: Any) -> None:
    client.force_login(engine_lead)
    address = upload(client, [order()])
    client.post(address, mapping_of(client, address))
    Job.objects.update(state=Job.State.RUNNING, attempt=settings.JOB_MAX_ATTEMPTS, heartbeat_at=LONG_AGO)
    find_lost_jobs()
    assert Batch.objects.get().state == Batch.State.FAILED


def test_the_file_can_be_read_as_another_kind(client: Client, engine_lead: User) -> None:
    client.force_login(engine_lead)
    address = upload(client, [order()])
    page = client.get(address, {"kind": "tickets"})
    assert page.context["kind"].slug == "tickets"
    assert Batch.objects.get().kind == "orders"


TRUNCATED = gzip.compress(csv_text([order(f"A-{n}") for n in range(3_000)]).encode())[:-400]
WORKBOOK = b"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml xl/workbook.xml"
UNREADABLE = [
    b"",
    b"\n\n ",
    b"\x1f\x8b\x08\x00broken",
    TRUNCATED,
    WORKBOOK,
    b"\x89PNG\r\n\x1a\n1,2",
    b'a,b\n1,"' + b"x" * 200_000,
]


@pytest.mark.parametrize("chosen", [{}, {"kind": "orders"}, {"mapping": "olist-orders"}])
@pytest.mark.parametrize("content", UNREADABLE)
def test_a_file_that_cannot_be_read_is_refused_at_once(
    client: Client, engine_lead: User, content: bytes, chosen: dict[str, str], tmp_path: Path
) -> None:
    client.force_login(engine_lead)
    file = SimpleUploadedFile("x.csv", content)
    answer = client.post(reverse("import-new", args=["acme"]), {"file": file, "source": "shop"} | chosen)
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == ["file"]
    assert not Batch.objects.exists()
    assert not [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]


def test_a_file_that_is_not_recognised_is_refused_at_once(client: Client, engine_lead: User, tmp_path: Path) -> None:
    content = b"what,is,this\n1,2,3\n"
    client.force_login(engine_lead)
    file = io.BytesIO(content)
    file.name = "x.csv"
    answer = client.post(reverse("import-new", args=["acme"]), {"file": file, "source": "shop"})
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not Batch.objects.exists()
    assert not [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]


@pytest.mark.parametrize("query", [{"kind": "\0"}, {"page": "\0"}, {"source": "\0"}, {"mapping": "\0"}])
def test_a_nul_character_in_the_address_breaks_no_page(
    client: Client, engine_lead: User, query: dict[str, str]
) -> None:
    client.force_login(engine_lead)
    address = upload(client, [order()])
    for page in (address, *(reverse(name, args=["acme"]) for name in ("import-list", "import-new", "job-list"))):
        assert client.get(page, query).status_code == 200
    form = mapping_of(client, address)
    for name in ("kind", "save_as", "column-order_id", "constant-market", "time_zone", "date_format"):
        assert client.post(address, form | {name: "\0"}).status_code in (200, 302), name


def test_a_file_over_the_limit_is_refused_and_its_rest_never_written(
    client: Client, engine_lead: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    keep = TemporaryFileUploadHandler.receive_data_chunk

    def noted(self: TemporaryFileUploadHandler, data: bytes, start: int) -> None:
        written.append(len(data))
        keep(self, data, start)

    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", noted)
    settings.MAX_UPLOAD_MB = 1
    client.force_login(engine_lead)
    file = SimpleUploadedFile("orders.csv", b"x" * (3 * MEGABYTE))
    answer = client.post(reverse("import-new", args=["acme"]), {"file": file, "source": "shop", "kind": "orders"})
    assert answer.context["form"].errors == {"file": ["The file is larger than 1 MB."]}
    assert answer.context["form"]["source"].value() == "shop"
    assert 0 < sum(written) <= MEGABYTE


def _full(*_arguments: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "place",
    [
        "django.core.files.uploadhandler.TemporaryFileUploadHandler.receive_data_chunk",
        "flywheel.intake.batches.shutil.copyfileobj",
    ],
)
def test_a_full_disk_is_told_and_nothing_stays(
    client: Client, engine_lead: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    client.force_login(engine_lead)
    monkeypatch.setattr(place, _full)
    file = SimpleUploadedFile("orders.csv", csv_text([order()]).encode())
    answer = client.post(reverse("import-new", args=["acme"]), {"file": file, "source": "shop"})
    assert "no room left" in str(answer.context["form"].errors["file"])
    assert not Batch.objects.exists()
    assert not [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]


def test_the_encoding_that_is_chosen_on_the_page_counts_and_is_not_saved_with_the_mapping(
    client: Client, engine_lead: User, run_jobs: Callable[[], int]
) -> None:
    client.force_login(engine_lead)
    file = SimpleUploadedFile("orders.csv", csv_text([order(market="Łódź")], ";").encode("cp1250"))
    address = client.post(reverse("import-new", args=["acme"]), {"file": file, "source": "My shop"})["Location"]
    client.post(address, mapping_of(client, address) | {"save_as": "Mine", "encoding": "cp1250"})
    run_jobs()
    assert Order.objects.get().market == "Łódź"
    assert Mapping.objects.get().as_plans[0].options == {}


def test_an_uploaded_file_is_deleted_once_it_is_loaded(
    client: Client, engine_lead: User, run_jobs: Callable[[], int]
) -> None:
    client.force_login(engine_lead)
    address = upload(client, [order()])
    path = Path(Batch.objects.get().path)
    assert path.exists()
    client.post(address, mapping_of(client, address))
    run_jobs()
    assert not path.exists()


def test_files_are_forgotten_after_a_week_and_the_pages_say_so(
    client: Client, engine_lead: User, run_jobs: Callable[[], int], tmp_path: Path
) -> None:
    client.force_login(engine_lead)
    draft = upload(client, [order("A-1")])
    rejected = upload(client, [order("A-2", gross="x")])
    client.post(rejected, mapping_of(client, rejected))
    run_jobs()
    now = timezone.now()
    assert batches.forget_old(now + timedelta(days=6)) == 0
    assert batches.forget_old(now + timedelta(days=8)) == 3  # two uploads, one file of bad rows
    assert not [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]
    pages = [client.get(address, follow=True).content.decode() for address in (draft, rejected)]
    assert "the file has been deleted" in pages[0]
    assert "The file of the bad rows has been deleted" in pages[1]


def test_a_file_that_waits_to_be_loaded_is_not_forgotten(client: Client, engine_lead: User) -> None:
    client.force_login(engine_lead)
    address = upload(client, [order()])
    client.post(address, mapping_of(client, address))
    assert batches.forget_old(timezone.now() + timedelta(days=100)) == 0


def test_the_clock_forgets_old_files(settings: Any) -> None:
    task = settings.CELERY_BEAT_SCHEDULE["forget-old-files"]["task"]
    assert import_string(task)() is None


def test_a_rejected_batch_lists_line_column_value_and_expectation(
    client: Client, engine_lead: User, workspace: Workspace, tmp_path: Path
) -> None:
    batch = load_rows(workspace, tmp_path, "orders", [order("A-1"), order("A-2", gross="1,5o<b>")])
    client.force_login(engine_lead)
    page = client.get(reverse("import-detail", args=["acme", batch.pk])).content.decode()
    assert "1,5o&lt;b&gt;" in page
    assert "an amount such as 1234.50" in page
    file = client.get(reverse("import-errors-file", args=["acme", batch.pk]))
    content = file.getvalue().decode("utf-8-sig")
    assert content.splitlines()[1].startswith("3,")
    assert "A-1" not in content


@pytest.mark.parametrize("name", ["shop a!", "㍱" * 60])
def test_a_mapping_is_not_kept_over_another_or_under_an_endless_name(
    client: Client, engine_lead: User, workspace: Workspace, name: str
) -> None:
    Mapping.objects.create(workspace=workspace, slug="shop-a", name="Shop A", plans=[{"kind": "spend"}])
    client.force_login(engine_lead)
    address = upload(client, [order()])
    page = client.post(address, mapping_of(client, address) | {"save_as": name})
    assert page.status_code == 200
    assert page.context["form"].errors["save_as"]
    assert [mapping.name for mapping in Mapping.objects.all()] == ["Shop A"]
    assert Batch.objects.get().state == Batch.State.DRAFT
