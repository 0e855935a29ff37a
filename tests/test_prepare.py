"""What makes a checkout ready to serve."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from flywheel.prepare import MIN_POSTGRES, check_server

pytestmark = pytest.mark.django_db


def test_the_server_of_the_tests_is_new_enough() -> None:
    check_server()


def test_an_older_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "pg_version", (MIN_POSTGRES - 1) * 10_000 + 4)
    with pytest.raises(
        ImproperlyConfigured, match="PostgreSQL 18 or later is needed; the server of DATABASE_URL is 17"
    ):
        check_server()
