"""What the API's reference says about sending facts, made from the declarations of the kinds."""

from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from flywheel.facts.models import OrderState
from flywheel.intake.bodies import JSON, LINES
from flywheel.intake.kinds import KINDS, Column, Kind
from flywheel.intake.numbers import MAX_INTEGER
from flywheel.intake.parsing import MAX_CODE, MAX_ID, MAX_TEXT
from flywheel.intake.push import MOST_ROWS

SOURCE = _("Where the rows come from, such as shop. Rows are keyed by their source: name it the same every time.")
ON_ERROR = _("reject: with any bad row nothing is stored. skip: the good rows are stored, the bad ones listed.")
IDEMPOTENCY = _(
    "A text of your own that names this request, such as the id of the run. Sent again within 24 hours with the same "
    "rows, it gives the first answer again and stores nothing twice."
)
BATCH = _("What became of a batch: a file, or the rows of one request.")
_PUSH = _(
    "At most {most} rows at a time. A row that is known, by its key ({key}), is updated: fields that are absent, null "
    "or blank leave alone what is known. What the answer says is stored, is stored."
)
_TIME = _("A time with offset, or the wall clock of the workspace's time zone: 2026-03-31T14:05:00+02:00.")

# the JSON types that a column of each type takes; the first is the one to send
_TYPES: dict[str, dict[str, Any]] = {
    "id": {"type": ["string", "integer", "null"], "maxLength": MAX_ID},
    "code": {"type": ["string", "integer", "null"], "maxLength": MAX_CODE},
    "text": {"type": ["string", "integer", "null"], "maxLength": MAX_TEXT},
    "device": {"type": ["string", "null"], "maxLength": MAX_CODE},
    "country": {"type": ["string", "integer", "null"], "maxLength": MAX_CODE},
    "person": {"type": ["string", "integer", "null"], "maxLength": MAX_ID},
    "email": {"type": ["string", "null"]},
    "currency": {"type": ["string", "null"], "pattern": "^ *([A-Za-z]{3})? *$"},
    "money": {"type": ["number", "string", "null"], "minimum": 0},
    "integer": {"type": ["integer", "string", "null"], "minimum": 0, "maximum": MAX_INTEGER},
    "number": {"type": ["number", "string", "null"], "minimum": 0},
    "signed": {"type": ["number", "string", "null"]},
    "signed_number": {"type": ["number", "string", "null"]},
    "per_euro": {"type": ["number", "string", "null"], "exclusiveMinimum": 0},
    "score": {"type": ["number", "string", "null"]},
    "month": {"type": ["string", "null"]},
    "stars": {"type": ["number", "string", "null"], "minimum": 1, "maximum": 5},
    "csat": {"type": ["number", "string", "null"]},
    "bool": {"type": ["boolean", "string", "integer", "null"]},
    "timestamp": {"type": ["string", "null"], "description": _TIME},
    "deadline": {"type": ["string", "null"], "description": _TIME},
    "date": {"type": ["string", "null"]},
}
_ANY: dict[str, Any] = {"type": ["string", "number", "boolean", "null"]}
_NUMBERS = {
    **dict.fromkeys(("money", "number", "signed", "signed_number", "per_euro"), float),
    **dict.fromkeys(("integer", "stars", "csat"), int),
}


def row_schemas() -> dict[str, Any]:
    """A schema per kind, named `Row_<kind>`."""
    return {_row_name(kind): _row_schema(kind) for kind in KINDS.values()}


def push_operation(kind: Kind) -> dict[str, Any]:
    """What an operation that takes rows of the kind adds to its part of the reference."""
    row = {"$ref": f"#/components/schemas/{_row_name(kind)}"}
    rows = {"type": "array", "items": row, "minItems": 1, "maxItems": MOST_ROWS}
    wrapped = {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}
    example = example_row(kind)
    return {
        "summary": kind.label,
        "description": format_lazy("{} {}", kind.help, _described(kind)),
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": {"oneOf": [wrapped, rows]}, "example": {"rows": [example]}},
                LINES[0]: {"schema": {"type": "string", "description": _("One JSON object per line.")}},
            },
        },
    }


def example_row(kind: Kind) -> dict[str, Any]:
    """The first example row of the kind's template, its numbers as numbers."""
    row = {column.name: _example(column, 0) for column in kind.columns if column.examples[0]}
    if kind.named:  # its names are headers in a file, and values here
        row |= {field: str(name) for (field, _cells), name in zip(kind.named.pairs, kind.named.examples, strict=False)}
    return row


def _described(kind: Kind) -> str:
    return format_lazy(_PUSH, most=f"{MOST_ROWS:,}", key=", ".join(kind.key))  # type: ignore[return-value]


def _row_name(kind: Kind) -> str:
    return f"Row_{kind.slug}"


def _row_schema(kind: Kind) -> dict[str, Any]:
    return {
        "title": kind.slug,
        "type": "object",
        "description": kind.help,
        "properties": {column.name: _column_schema(column) for column in kind.columns},
        "required": [column.name for column in kind.required],
        "additionalProperties": False,
    }


def _column_schema(column: Column) -> dict[str, Any]:
    schema = {**_TYPES.get(column.type, _ANY), "title": column.label}
    said = [text for text in (column.help, schema.get("description")) if text][:1]
    if column.name == "status":
        said.append(format_lazy(_("One of {states}, or a shop's own word."), states=", ".join(OrderState.values)))
    if said:
        schema["description"] = said[0]
    if column.required:
        schema |= {"type": [kind for kind in schema["type"] if kind != "null"], "minLength": 1}
    if column.default:
        schema["default"] = column.default
    schema["examples"] = [_example(column, at) for at in (0, 1) if column.examples[at]]
    return schema


def _example(column: Column, at: int) -> object:
    if column.type == "bool":
        return column.examples[at] == "yes"
    return _NUMBERS.get(column.type, str)(column.examples[at])
