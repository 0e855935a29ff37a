"""Servers, databases, the fixed cast of users, and jobs run to their end."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings

from flywheel.environment import BASE_DIR
from flywheel.prepare import compile_messages
from tests import servers

if TYPE_CHECKING:
    from django.db.transaction import Atomic
    from pytest_django import DjangoDbBlocker

    from flywheel.accounts.models import Role, User, Workspace

PASSWORD = "correct-horse-battery"  # every test user's
Make = Callable[["Workspace", Callable[[], int], Path], None]  # fills a workspace; gets `run_jobs` and a folder


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers before Django reads its settings; workers of xdist inherit their addresses."""
    if not hasattr(config, "workerinput"):
        if settings.configured:
            raise pytest.UsageError("Unset DJANGO_SETTINGS_MODULE: the tests bring their own settings.")
        stack = contextlib.ExitStack()
        config.add_cleanup(stack.close)
        stack.enter_context(servers.for_this_run())
        compile_messages(BASE_DIR / "locale")
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One worker more than processors: many tests wait for a server, a worker or a browser."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that no worker is left alone with one at the end; those of one kept business together."""
    first: dict[tuple[str, object], int] = {}
    for at, item in enumerate(items):
        first.setdefault(_group(item), at)
    modules: dict[str, int] = {}
    for (path, _make), at in first.items():
        modules.setdefault(path, at)
    items.sort(key=lambda item: (modules[_group(item)[0]], first[_group(item)]))
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def _group(item: pytest.Item) -> tuple[str, object]:
    callspec = getattr(item, "callspec", None)
    return str(item.path), callspec and callspec.params.get("kept")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test the business that its module keeps under the name of a fixture it asks for: KEPT = {name: make}."""
    makers: dict[str, Make] = getattr(metafunc.module, "KEPT", {})
    if makers and "kept" in metafunc.fixturenames:
        name = next((name for name in makers if name in metafunc.fixturenames), None)
        metafunc.parametrize("kept", [makers[name] if name else None], indirect=True, ids=[name or "none"])


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: "DjangoDbBlocker", worker_id: str) -> None:
    """Give this worker a copy of the run's database, which the first to come migrates."""
    from django.db import connection

    template, own = servers.name_of("template"), servers.name_of(worker_id)
    with django_db_blocker.unblock(), servers.maintenance() as maintenance:
        if not servers.exists(maintenance, template):
            _migrate(maintenance, template)
        servers.copy_database(maintenance, template, own)
        connection.settings_dict["NAME"] = own


def _migrate(maintenance: "servers.Maintenance", template: str) -> None:
    from django.core.management import call_command
    from django.db import connection

    partial = template + "_new"
    servers.create_database(maintenance, partial)
    connection.settings_dict["NAME"] = partial
    call_command("migrate", verbosity=0, interactive=False)
    connection.close()
    servers.rename_database(maintenance, partial, template)


@pytest.fixture
def server_environment(db: None) -> dict[str, str]:
    """The environment of a child process (manage.py, a Celery worker) that works on this test's database."""
    from django.db import connection

    return {**os.environ, "DATABASE_URL": servers.url_of(connection.settings_dict["NAME"])}


@pytest.fixture(autouse=True)
def _plain_language() -> Iterator[None]:
    """What a page in another language leaves active in this thread is gone after the test."""
    yield
    from django.utils import translation

    translation.deactivate()


# --- the cast ---------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def kept(request: pytest.FixtureRequest) -> Iterator["Workspace | None"]:
    """A business that takes seconds to make, made once for neighbouring tests: each works in a savepoint of its own
    inside the transaction that holds it, and what it changes is rolled back. None where the module keeps none."""
    make: Make | None = getattr(request, "param", None)
    if make is None:
        yield None
        return
    request.getfixturevalue("django_db_setup")
    blocker: DjangoDbBlocker = request.getfixturevalue("django_db_blocker")
    folder = request.getfixturevalue("tmp_path_factory").mktemp("kept")
    with contextlib.ExitStack() as stack:
        with blocker.unblock():
            stack.callback(_roll_back, blocker, _begin())
            business = _acme()
            make(business, _drain, folder)
        yield business


def _begin() -> "Atomic":
    from django.db import transaction

    atomic = transaction.atomic()
    atomic._from_testcase = True  # type: ignore[attr-defined]  # as of Django's own test cases: durable blocks may follow
    atomic.__enter__()
    return atomic


def _roll_back(blocker: "DjangoDbBlocker", atomic: "Atomic") -> None:
    from django.db import transaction

    with blocker.unblock():
        transaction.set_rollback(True)
        atomic.__exit__(None, None, None)


def _acme() -> "Workspace":
    from flywheel.accounts.models import Workspace

    return Workspace.objects.create(name="Acme", slug="acme", base_currency="EUR", time_zone="Europe/Berlin")


@pytest.fixture
def workspace(kept: "Workspace | None", db: None) -> "Workspace":
    """A business in euros, Monday to Sunday, in Berlin: empty, or the one kept for this test."""
    return type(kept).objects.get(pk=kept.pk) if kept else _acme()


@pytest.fixture
def owner(workspace: "Workspace") -> "User":
    """Owns the workspace."""
    from flywheel.accounts.models import Role

    return _member(workspace, "owner", Role.OWNER)


@pytest.fixture
def engine_lead(workspace: "Workspace") -> "User":
    """Leads an engine: loads data."""
    from flywheel.accounts.models import Role

    return _member(workspace, "lead", Role.ENGINE_LEAD)


@pytest.fixture
def reader(workspace: "Workspace") -> "User":
    """May look at everything and change nothing."""
    from flywheel.accounts.models import Role

    return _member(workspace, "reader", Role.READER)


@pytest.fixture
def stranger(db: None) -> "User":
    """Signed up, but a member of no workspace."""
    from flywheel.accounts.models import User

    return User.objects.create_user("stranger@example.com", PASSWORD, name="Stranger")


def _member(workspace: "Workspace", name: str, role: "Role") -> "User":
    from flywheel.accounts.models import Membership, User

    user = User.objects.create_user(f"{name}@example.com", PASSWORD, name=name.title())
    Membership.objects.create(workspace=workspace, user=user, role=role)
    return user


# --- jobs -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def run_jobs(db: None) -> Callable[[], int]:
    """Runs queued jobs, and those that they start, until none is left; returns how many it ran.

    Through the worker's own code, without its heartbeat: nobody else can see rows of a test's open transaction.
    """
    return _drain


def _drain() -> int:
    from flywheel.jobs.models import Job
    from flywheel.jobs.runner import run

    count = 0
    while job := Job.objects.filter(state=Job.State.QUEUED).order_by("created_at").first():
        run(job.pk, heartbeat=False)
        count += 1
    return count


@pytest.fixture
def empty_queue(transactional_db: None) -> Iterator[None]:
    """Celery's queue emptied before and after a test with a real worker."""
    from flywheel.celery import app

    app.control.purge()
    yield
    app.control.purge()
