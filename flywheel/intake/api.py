"""Facts over HTTP: one address per kind to send rows to, and what became of a batch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from ninja import Header, Path, Query, Router, Schema

from flywheel.accounts.api import FACTS_WRITE, METRICS_READ, REFUSALS, ApiError, KeyAuth, Refusal, answer
from flywheel.accounts.models import ApiKey, Workspace
from flywheel.intake import api_schemas, batches, idempotency
from flywheel.intake.bodies import body_of, rows_of
from flywheel.intake.kinds import KINDS, Kind
from flywheel.intake.models import Batch
from flywheel.intake.preparing import Issue
from flywheel.intake.push import NO_ROW, Outcome, push
from flywheel.intake.words import expected, note

MOST_ID = 2**63 - 1
Text = r"^[^\x00-\x1f]*$"  # what a database takes and a person means
router = Router()


class RowProblem(Schema):
    """One thing wrong with one row. `row` is its position among those sent, from 0; personal values are left out.

    Without a row it is about all of them together.
    """

    row: int | None
    column: str
    value: str
    code: str
    message: str


class Note(Schema):
    """What the sender should know, though it is not wrong."""

    code: str
    count: int
    message: str


class Stored(Schema):
    """What became of the rows. `accepted` and `rejected` add up to `rows`."""

    batch: int
    rows: int
    accepted: int
    added: int
    changed: int
    unchanged: int
    repeated: int
    rejected: int
    notes: list[Note]
    errors: list[RowProblem]


class Refused(Refusal):
    """The rows were not stored; `errors` when that is because of them."""

    rows: int | None = None
    accepted: int | None = None
    errors: list[RowProblem] | None = None


class BatchState(Schema):
    """A batch: a file, or the rows of one request."""

    id: int
    kind: str
    source: str
    name: str
    state: Literal["draft", "queued", "running", "loaded", "rejected", "failed", "undone"]
    rows: int | None
    added: int | None
    changed: int | None
    unchanged: int | None
    rejected: int | None
    notes: list[Note]
    created_at: datetime
    loaded_at: datetime | None


SourceName = Annotated[str, Query(min_length=1, max_length=120, pattern=Text, description=api_schemas.SOURCE)]
OnError = Annotated[Literal["reject", "skip"], Query(description=api_schemas.ON_ERROR)]
IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", max_length=200, pattern=Text, description=api_schemas.IDEMPOTENCY)
]


def _add_push(kind: Kind) -> None:
    """The address to which rows of the kind are sent."""

    @router.post(
        f"/facts/{kind.slug}",
        auth=KeyAuth(FACTS_WRITE),
        response={200: Stored, 207: Stored, **REFUSALS, **dict.fromkeys((400, 409, 413, 415), Refusal), 422: Refused},
        operation_id=f"push_{kind.slug}",
        openapi_extra=api_schemas.push_operation(kind),
        tags=["facts"],
        url_name=f"push_{kind.slug}",
    )
    def push_rows(
        request: HttpRequest, source: SourceName, on_error: OnError = "reject", idempotency_key: IdempotencyKey = ""
    ) -> HttpResponse:
        return _push(request, kind, source.strip(), on_error, idempotency_key)


for known_kind in KINDS.values():
    _add_push(known_kind)


def _push(request: HttpRequest, kind: Kind, source: str, on_error: str, key: str) -> HttpResponse:
    """Store the rows in the body once, whatever the number of times it is sent under one Idempotency-Key."""
    workspace, body = _workspace(request), body_of(request)
    slug = _source_slug(source)
    content_type = (request.content_type or "").lower()

    def work() -> idempotency.Answer:
        rows = rows_of(body, content_type)
        return _told(push(workspace, source, kind, rows, skip_bad=on_error == "skip", size=len(body)))

    asked = idempotency.fingerprint(kind.slug.encode(), slug.encode(), on_error.encode(), body) if key else ""
    try:
        told, again = idempotency.once(workspace, key, asked, work)
    except idempotency.KeyReusedError as problem:
        raise ApiError(409, "key_reused", _("This Idempotency-Key came before with another request.")) from problem
    return answer(told.body, told.status, {"Idempotent-Replay": "true"} if again else None)


def _source_slug(name: str) -> str:
    try:
        return batches.source_slug(name)
    except ValueError as problem:
        raise ApiError(422, "source", _("Name the source with letters or digits.")) from problem


def _workspace(request: HttpRequest) -> Workspace:
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    return key.workspace


# --- what is told ---------------------------------------------------------------------------------------------------
def _told(outcome: Outcome) -> idempotency.Answer:
    """The answer about the rows: stored, stored but for the bad ones, or refused."""
    errors = _problems(outcome.issues)
    if outcome.batch is None:
        body = {"error": _refused(outcome, errors), "rows": outcome.rows, "accepted": 0, "errors": errors}
        return idempotency.Answer(422, orjson.dumps(body), stored=False)
    landed, rejected = outcome.landed, outcome.bad_rows
    body = {
        "batch": outcome.batch.pk,
        "rows": outcome.rows,
        "accepted": outcome.rows - rejected,
        "added": landed.added,
        "changed": landed.changed,
        "unchanged": landed.unchanged,
        "repeated": landed.repeated,
        "rejected": rejected,
        "notes": _notes(outcome.notes),
        "errors": errors,
    }
    return idempotency.Answer(207 if rejected else 200, orjson.dumps(body), stored=True)


def _refused(outcome: Outcome, errors: list[dict[str, Any]]) -> dict[str, str]:
    bad = outcome.bad_rows
    if not bad:
        return {"code": errors[0]["code"], "message": errors[0]["message"]}
    text = ngettext("Nothing was stored: %(n)s row is wrong.", "Nothing was stored: %(n)s rows are wrong.", bad)
    return {"code": "rows", "message": text % {"n": f"{bad:,}"}}


def _problems(issues: Sequence[Issue]) -> list[dict[str, Any]]:
    words: dict[tuple[str, str], str] = {}  # each said once, however many rows it is about
    for issue in issues:
        if (issue.code, issue.detail) not in words:
            text = gettext("Expected %(expected)s.") % {"expected": expected(issue.code, issue.detail)}
            words[issue.code, issue.detail] = text
    return [
        {
            "row": None if issue.line == NO_ROW else issue.line,
            "column": issue.column,
            "value": issue.value,
            "code": issue.code,
            "message": words[issue.code, issue.detail],
        }
        for issue in issues
    ]


def _notes(notes: dict[str, int]) -> list[dict[str, Any]]:
    return [{"code": code, "count": count, "message": note(code, count)} for code, count in notes.items()]


# --- batches --------------------------------------------------------------------------------------------------------
@router.get(
    "/batches/{batch_id}",
    auth=KeyAuth(FACTS_WRITE, METRICS_READ),
    response={200: BatchState, **REFUSALS, 404: Refusal},
    operation_id="get_batch",
    openapi_extra={"summary": _("One batch"), "description": api_schemas.BATCH},
    tags=["facts"],
)
def batch(request: HttpRequest, batch_id: Annotated[int, Path(ge=1, le=MOST_ID)]) -> HttpResponse:
    """What became of a batch."""
    known = Batch.objects.select_related("source", "job").filter(workspace=_workspace(request), pk=batch_id).first()
    if known is None:
        raise ApiError(404, "not_found", _("There is no such batch in this workspace."))
    return answer(
        {
            "id": known.pk,
            "kind": known.kind,
            "source": known.source.name,
            "name": known.file_name,
            "state": known.shown_state,
            "rows": known.rows,
            "added": known.added,
            "changed": known.changed,
            "unchanged": known.unchanged,
            "rejected": known.rejected,
            "notes": _notes(known.notes),
            "created_at": known.created_at,
            "loaded_at": known.loaded_at,
        }
    )
