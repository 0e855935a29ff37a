"""The API's description: complete, true to what it answers, and readable as a page."""

import re

import jsonschema
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from flywheel.intake.api_schemas import _TYPES, example_row
from flywheel.intake.kinds import KINDS
from tests.callers import Caller

EXAMPLES = 6  # requests made up per operation and kind of data
CHECKS = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture
def described(client, db):
    return client.get("/api/v1/openapi.json").json()


# --- OpenAPI --------------------------------------------------------------------------------------------------------
def test_every_kind_has_an_address_and_a_row_with_its_columns(described):
    for kind in KINDS.values():
        told = described["paths"][f"/api/v1/facts/{kind.slug}"]["post"]
        row = described["components"]["schemas"][f"Row_{kind.slug}"]
        assert list(row["properties"]) == [column.name for column in kind.columns]
        assert row["required"] == [column.name for column in kind.required]
        assert told["summary"] == str(kind.label)
        assert set(told["requestBody"]["content"]) == {"application/json", "application/x-ndjson"}


def test_every_type_of_column_says_which_json_it_takes():
    assert {column.type for kind in KINDS.values() for column in kind.columns} <= _TYPES.keys()


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.slug)
def test_the_example_of_a_row_fits_its_schema(described, kind):
    jsonschema.validate(example_row(kind), described["components"]["schemas"][f"Row_{kind.slug}"])


def test_every_operation_tells_of_keys_and_limits(described):
    told = [operation for methods in described["paths"].values() for operation in methods.values()]
    assert len(told) == len(KINDS) + 5
    for operation in told:
        assert operation["security"] == [{"KeyAuth": []}]
        assert {"401", "403", "429"} <= operation["responses"].keys()
        assert operation["description"]


def test_the_description_speaks_the_language_asked_for(client, db):
    told = client.get("/api/v1/openapi.json", headers={"Accept-Language": "zh-CN"}).json()
    assert told["paths"]["/api/v1/facts/orders"]["post"]["summary"] == "订单"


# --- what it answers ------------------------------------------------------------------------------------------------
@pytest.fixture
def _one_connection():
    """Requests leave the test's transaction open, as those of Django's own test client do."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def api_schema(workspace, _one_connection):
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


READS = ("kpis", "kpis/{key}", "measures/{rollup}", "verdicts", "batches/{batch_id}")
OPERATIONS = [("GET", path) for path in READS] + [("POST", f"facts/{slug}") for slug in KINDS]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "odd"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_request_is_answered_otherwise_than_described(api_schema, workspace, method, path, mode):
    key = Caller(workspace).key
    operation = api_schema[f"/api/v1/{path}"][method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def is_answered_as_described(case):
        case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)

    try:
        is_answered_as_described()
    except Unsatisfiable:
        assert (path, mode) == ("kpis", GenerationMode.NEGATIVE)  # takes nothing that could be odd


# --- the page -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_page_shows_every_operation_to_anybody(client, db, described, language):
    page = client.get(reverse("api-reference"), headers={"Accept-Language": language}).content.decode()
    for path in described["paths"]:
        assert path in page
    assert "curl" in page
    assert len(re.findall("<details", page)) > len(described["paths"])
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bstyle=|\bon\w+=", page)


def test_other_addresses_of_the_api_answer_in_json(client, db):
    answer = client.get("/api/v1/nothing")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert client.get("/api/v1/facts/orders").status_code == 405
