"""The watched folder: what scripts drop is loaded once, and comes back with a report."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils.module_loading import import_string

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Order, Source
from flywheel.intake import batches, watching
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch, Mapping, WatchedFile
from flywheel.intake.plans import Plan
from flywheel.jobs.models import Job
from tests.builders import csv_file, order

pytestmark = pytest.mark.django_db

RunJobs = Callable[[], int]


@pytest.fixture(autouse=True)
def root(settings: Any, tmp_path: Path) -> Path:
    """The watched folder and the uploads are the test's own; no look has been before."""
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.WATCH_DIR = tmp_path / "watched"
    settings.WATCH_DIR.mkdir()
    cache.clear()
    return settings.WATCH_DIR


@pytest.fixture
def shop(root: Path, workspace: Workspace) -> Path:
    """The folder of the workspace's source "My Shop"."""
    folder = root / workspace.slug / "My Shop"
    folder.mkdir(parents=True)
    return folder


def aged(path: Path, seconds: float = 60) -> Path:
    """The file as last written some time ago."""
    moment = time.time() - seconds
    os.utime(path, (moment, moment), follow_symlinks=False)
    return path


def dropped(folder: Path, name: str = "orders.csv", *rows: dict[str, object], seconds: float = 60) -> Path:
    """A file of orders that was written some time ago."""
    return aged(csv_file(folder, rows or (order(),), name), seconds)


def looked_twice() -> None:
    watching.look()
    watching.look()


def names(folder: Path, *parts: str) -> list[str]:
    """What is in the folder, without the time in front of taken files."""
    found = folder.joinpath(*parts)
    return sorted(path.name.split("-", 3)[-1] for path in found.iterdir()) if found.exists() else []


def the_report(folder: Path, outcome: str) -> str:
    (path,) = (folder / outcome).glob("*.report.txt")
    return path.read_text()


# --- what is taken ----------------------------------------------------------------------------------------------------
def test_a_file_is_loaded_and_comes_back_with_its_report(shop: Path, run_jobs: RunJobs) -> None:
    dropped(shop)
    looked_twice()
    assert names(shop, ".taken") == ["orders.csv"]
    run_jobs()
    watching.look()
    assert Order.objects.get().source.name == "My Shop"
    assert names(shop, ".done") == ["orders.csv", "orders.csv.report.txt"]
    assert the_report(shop, ".done") == "orders.csv: 1 rows as orders: 1 new, 0 changed, 0 unchanged\n"
    assert names(shop) == [".done", ".taken"]
    assert names(shop, ".taken") == []


def test_a_bad_row_is_told_as_the_command_tells_it(shop: Path, run_jobs: RunJobs) -> None:
    dropped(shop, "orders.csv", order(), order("A-2", gross="x"))
    looked_twice()
    run_jobs()
    watching.look()
    assert not Order.objects.exists()
    assert names(shop, ".rejected") == ["orders.csv", "orders.csv.report.txt"]
    told = the_report(shop, ".rejected").splitlines()
    assert told[:2] == [
        "orders.csv: nothing loaded, 1 bad rows",
        "  line 3, gross: 'x': expected an amount such as 1234.50",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"what,ever\n1,2\n", "The header fits no kind of data and no saved mapping."),
        (b"", "Expected a file with a header row: this one is empty."),
        (b"\x1f\x8b\x08\x00cut", "Expected a complete file: this one is cut off or damaged."),
    ],
)
def test_a_file_that_is_no_table_of_facts_is_rejected_with_its_reason(shop: Path, content: bytes, reason: str) -> None:
    path = shop / "odd.csv"
    path.write_bytes(content)
    aged(path)
    looked_twice()
    assert names(shop, ".rejected") == ["odd.csv", "odd.csv.report.txt"]
    assert the_report(shop, ".rejected") == f"odd.csv: {reason}\n"
    assert not Batch.objects.exists()
    assert not list((shop.parents[2] / "uploads").rglob("*.csv"))


def test_a_file_whose_mapping_would_have_to_be_guessed_is_left_to_a_person(shop: Path, workspace: Workspace) -> None:
    columns = {"order_id": "Bestellung", "ordered_at": "Datum", "currency": "Waehrung", "gross": "Summe brutto"}
    plan = Plan(KINDS["orders"], columns)
    Mapping.objects.create(workspace=workspace, slug="ours", plans=[plan.as_data])
    row = {"Bestellung": "A-1", "Datum": "2026-03-02", "Waehrung": "EUR", "Summe Brutto": "9"}
    aged(csv_file(shop, [row], "orders.csv"))
    looked_twice()
    assert "Columns of the mapping ours are missing: Summe brutto." in the_report(shop, ".rejected")


def test_the_report_is_in_the_workspaces_language(shop: Path, workspace: Workspace) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(language="zh-hans")
    path = shop / "empty.csv"
    path.write_bytes(b"")
    aged(path)
    looked_twice()
    assert "表头" in the_report(shop, ".rejected")


def test_work_that_failed_is_reported_with_the_jobs_reason(
    shop: Path, run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("out of luck")

    dropped(shop)
    looked_twice()
    monkeypatch.setattr("flywheel.intake.jobs.load", broken)
    run_jobs()
    watching.look()
    assert "orders.csv: could not be loaded: RuntimeError: out of luck" in the_report(shop, ".rejected")


def test_a_folder_without_letters_names_no_source(root: Path, workspace: Workspace) -> None:
    folder = root / "acme" / "!!"
    folder.mkdir(parents=True)
    dropped(folder)
    looked_twice()
    assert (
        the_report(folder, ".rejected") == "orders.csv: The folder of a source needs a name with letters or digits.\n"
    )


def test_nothing_happens_without_a_watched_folder(shop: Path, settings: Any) -> None:
    dropped(shop)
    settings.WATCH_DIR = None
    looked_twice()
    assert names(shop) == ["orders.csv"]


def test_beat_looks_where_the_environment_says(shop: Path, root: Path) -> None:
    told = (
        "from flywheel import settings as s; print(s.WATCH_DIR, s.CELERY_BEAT_SCHEDULE['take-watched-files']['task'])"
    )
    environment = {**os.environ, "WATCH_DIR": str(root)}
    said = subprocess.run([sys.executable, "-c", told], env=environment, capture_output=True, text=True, check=True)
    folder, task = said.stdout.split()
    assert folder == str(root)
    path = dropped(shop)
    import_string(task)()
    import_string(task)()
    assert not path.exists()


# --- only whole files -------------------------------------------------------------------------------------------------
def test_a_file_is_left_until_a_second_look_finds_it_unchanged(shop: Path) -> None:
    path = dropped(shop)
    watching.look()
    assert path.exists()
    with path.open("ab") as more:
        more.write(b"A-2,")
    aged(path)
    watching.look()
    assert path.exists()
    watching.look()
    assert not path.exists()


def test_a_file_that_was_just_written_is_left(shop: Path) -> None:
    path = dropped(shop, seconds=2)
    looked_twice()
    assert path.exists()


def test_a_file_dated_in_the_future_is_taken(shop: Path) -> None:
    path = dropped(shop, seconds=-3600)
    looked_twice()
    assert not path.exists()


@pytest.mark.parametrize(
    "name", [".orders.csv", "orders.csv.part", "orders.tmp", "orders.csv.crdownload", "notes.pdf", "orders.csv~"]
)
def test_hidden_unfinished_and_other_files_are_left_alone(shop: Path, name: str) -> None:
    path = dropped(shop, name)
    looked_twice()
    assert path.exists()
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    "name", ["订单 (2).CSV", "x" * 240 + ".csv", "a\nb.csv", os.fsdecode(b"\xff\xfe.csv"), "!.csv"]
)
def test_a_file_of_any_name_is_taken(shop: Path, run_jobs: RunJobs, name: str) -> None:
    dropped(shop, name)
    looked_twice()
    run_jobs()
    watching.look()
    assert Order.objects.count() == 1
    assert len(names(shop, ".done")) == 2


# --- only in its folder -----------------------------------------------------------------------------------------------
def test_links_are_not_followed(shop: Path, root: Path, tmp_path: Path, workspace: Workspace) -> None:
    secret = dropped(tmp_path, "secret.csv")
    (shop / "orders.csv").symlink_to(secret)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = dropped(elsewhere)
    (root / "acme" / "linked").symlink_to(elsewhere)
    aged(shop / "orders.csv")
    looked_twice()
    assert secret.exists()
    assert other.exists()
    assert not Batch.objects.exists()


def test_a_link_that_takes_a_claimed_files_place_is_not_read(shop: Path, tmp_path: Path) -> None:
    secret = dropped(tmp_path, "secret.csv")
    link = shop / "20260302-100000-000000-orders.csv"
    link.symlink_to(secret)
    with pytest.raises(watching.RefusedError, match="cannot be opened"):
        watching._opened(link)


def test_a_folder_for_taken_files_that_is_a_link_is_not_used(shop: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (shop / ".taken").symlink_to(elsewhere)
    path = dropped(shop)
    looked_twice()
    assert path.exists()
    assert list(elsewhere.iterdir()) == []


def test_another_workspaces_folder_loads_into_that_workspace(root: Path, shop: Path) -> None:
    other = Workspace.objects.create(name="Other", slug="other", base_currency="EUR", time_zone="UTC")
    folder = root / "other" / "My Shop"
    folder.mkdir(parents=True)
    dropped(folder)
    looked_twice()
    assert Batch.objects.get().workspace == other
    assert Source.objects.get().workspace == other


def test_an_unknown_workspace_is_said_once(root: Path, monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    said: list[tuple[str, object]] = []
    monkeypatch.setattr(watching.log, "warning", lambda event, **words: said.append((event, words["folder"])))
    folder = root / "nobody" / "shop"
    folder.mkdir(parents=True)
    path = dropped(folder)
    looked_twice()
    assert said == [("watch.unknown_workspace", "nobody")]
    assert path.exists()


# --- only once --------------------------------------------------------------------------------------------------------
def test_a_claimed_file_whose_process_died_is_taken_up_again(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_args: object, **_more: object) -> None:
        raise KeyboardInterrupt

    dropped(shop)
    watching.look()
    with monkeypatch.context() as patched:
        patched.setattr(batches, "create", dies)
        with pytest.raises(KeyboardInterrupt):
            watching.look()
    assert names(shop, ".taken") == ["orders.csv"]
    assert not Batch.objects.exists()
    looked_twice()
    assert Batch.objects.count() == Job.objects.count() == 1


def test_a_report_that_was_cut_short_is_written_again(
    shop: Path, run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies() -> None:
        raise KeyboardInterrupt

    dropped(shop)
    looked_twice()
    run_jobs()
    with monkeypatch.context() as patched:
        patched.setattr("flywheel.intake.watching.timezone.now", dies)  # the file has been moved, and nobody knows
        with pytest.raises(KeyboardInterrupt):
            watching.look()
    assert names(shop, ".done") == ["orders.csv", "orders.csv.report.txt"]
    looked_twice()
    assert names(shop, ".done") == ["orders.csv", "orders.csv.report.txt"]
    assert WatchedFile.objects.get().reported_at is not None
    assert Batch.objects.count() == 1


def test_a_full_disk_leaves_the_file_for_a_later_look(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    dropped(shop)
    watching.look()
    with monkeypatch.context() as patched:
        patched.setattr("shutil.copyfileobj", full)
        watching.look()
    assert names(shop, ".taken") == ["orders.csv"]
    assert not list((shop.parents[2] / "uploads").rglob("*.csv"))
    watching.look()
    assert Batch.objects.count() == 1


def test_a_name_that_comes_again_is_a_new_file(shop: Path, run_jobs: RunJobs) -> None:
    for gross in ("100", "120"):
        dropped(shop, "orders.csv", order(gross=gross))
        looked_twice()
        run_jobs()
        watching.look()
    assert names(shop, ".done") == ["orders.csv", "orders.csv", "orders.csv.report.txt", "orders.csv.report.txt"]
    assert Order.objects.get().gross == 120


def test_of_two_exports_the_older_is_loaded_first(shop: Path, run_jobs: RunJobs) -> None:
    dropped(shop, "a-newer.csv", order(gross="120"), seconds=60)
    dropped(shop, "b-older.csv", order(gross="100"), seconds=600)
    looked_twice()
    assert [batch.file_name for batch in Batch.objects.filter(state=Batch.State.QUEUED)] == ["b-older.csv"]
    run_jobs()
    watching.look()
    run_jobs()
    watching.look()
    assert Order.objects.get().gross == 120
    assert not WatchedFile.objects.filter(reported_at=None).exists()


def test_files_of_other_kinds_do_not_wait(shop: Path) -> None:
    dropped(shop)
    aged(csv_file(shop, [{"order_id": "A-1", "sequence": 1, "method": "card", "amount": 9}], "payments.csv"))
    looked_twice()
    assert set(Batch.objects.values_list("state", flat=True)) == {Batch.State.QUEUED}


@pytest.mark.django_db(transaction=True)
def test_processes_that_look_at_the_same_moment_take_each_file_once(shop: Path) -> None:
    for n in range(12):
        dropped(shop, f"orders-{n}.csv", order(f"A-{n}"))
    watching.look()
    begin = threading.Barrier(4)

    def process() -> None:
        begin.wait()
        watching.look()
        connection.close()

    others = [threading.Thread(target=process) for _ in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    watching.look()
    assert sorted(Batch.objects.values_list("file_name", flat=True)) == sorted(f"orders-{n}.csv" for n in range(12))
    assert len(list((shop / ".taken").iterdir())) == 12


def test_whatever_is_wrong_with_one_sources_file_the_others_are_taken(
    shop: Path, root: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = root / workspace.slug / "Other"
    other.mkdir()
    take_once = watching._take_once

    def broken_for_one(workspace: Workspace, path: Path, place: str) -> bool:
        if "My Shop" in place:
            raise ZeroDivisionError
        return take_once(workspace, path, place)

    monkeypatch.setattr(watching, "_take_once", broken_for_one)
    dropped(shop), dropped(other, "other.csv", order("A-2"))
    looked_twice()
    assert [batch.file_name for batch in Batch.objects.all()] == ["other.csv"]
    monkeypatch.undo()
    looked_twice()
    assert Batch.objects.count() == 2
