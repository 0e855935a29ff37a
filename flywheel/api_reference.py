"""The API's reference as a page, made from its OpenAPI description, in the reader's language."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from ninja.responses import NinjaJSONEncoder

from flywheel.api import api

Json = dict[str, Any]
TYPES = {
    "string": _("text"),
    "number": _("number"),
    "integer": _("whole number"),
    "boolean": _("true or false"),
    "array": _("list"),
    "object": _("object"),
}
GROUPS = {"facts": _("Send data"), "metrics": _("Read KPIs, measures and verdicts")}
STATUSES = {
    "200": _("Done."),
    "207": _("The good rows are stored, the bad ones listed in errors."),
    "400": _("The body cannot be read."),
    "401": _("The key is missing, unknown, revoked or expired."),
    "403": _("The key lacks the right for this."),
    "404": _("There is no such thing in this workspace."),
    "409": _("The Idempotency-Key came before with another request."),
    "413": _("The body or the number of rows is too large."),
    "415": _("The body is of another type, or packed in another way."),
    "422": _("A parameter cannot be read, or rows are wrong: each is listed in errors, and nothing is stored."),
    "429": _("Too many requests in this minute; Retry-After says how many seconds to wait."),
}


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of a row or of an answer."""

    name: str
    types: str
    required: bool
    description: str
    example: str = ""


@dataclass(frozen=True)
class Operation:
    """One address with what may be sent and what comes back."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Field]
    row: list[Field]
    answer: list[Field]
    statuses: list[tuple[str, str]]
    curl: str


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """What there is, how to call it, what comes back. Open to everybody: it holds nothing of anyone's."""
    schema = description()
    host = request.build_absolute_uri("/").rstrip("/")
    found = list(operations(schema, host))
    groups = [(label, [one for tag, one in found if tag == key]) for key, label in GROUPS.items()]
    return render(request, "api/reference.html", {"groups": groups, "host": host})


def description() -> Json:
    """The OpenAPI description as plain data, in the active language."""
    return json.loads(json.dumps(api.get_openapi_schema(), cls=NinjaJSONEncoder))


def operations(schema: Json, host: str) -> Iterator[tuple[str, Operation]]:
    """Each operation with its group."""
    schemas = schema["components"]["schemas"]
    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            yield told["tags"][0], _operation(method.upper(), path, told, schemas, host)


def _operation(method: str, path: str, told: Json, schemas: Json, host: str) -> Operation:
    row = schemas.get(told["operationId"].replace("push_", "Row_"), {})
    done = told["responses"]["200"]["content"]["application/json"]["schema"]
    return Operation(
        id=told["operationId"],
        method=method,
        path=path,
        summary=told["summary"],
        description=told["description"],
        parameters=[_parameter(one) for one in told["parameters"]],
        row=_fields(row),
        answer=_fields(schemas[done["$ref"].rpartition("/")[2]]),
        statuses=[(status, str(STATUSES[status])) for status in sorted(told["responses"])],
        curl=_curl(method, host + path, told),
    )


def _parameter(one: Json) -> Field:
    text = one.get("description", "")
    options = one["schema"].get("enum")
    return Field(one["name"], ", ".join(options) if options else _types(one["schema"]), one["required"], text)


def _fields(schema: Json) -> list[Field]:
    required = schema.get("required", [])
    return [_field(name, told, name in required) for name, told in schema.get("properties", {}).items()]


def _field(name: str, told: Json, required: bool) -> Field:
    title = told.get("title", "")
    said = told.get("description", "")
    examples = [json.dumps(value, ensure_ascii=False) for value in told.get("examples", [])]
    return Field(name, _types(told), required, f"{title}. {said}" if said else title, " · ".join(examples))


def _types(told: Mapping[str, Any]) -> str:
    """The types in words, such as "text, whole number"."""
    kinds = told.get("type") or [kind for one in told.get("anyOf", []) for kind in [one.get("type", "object")]]
    names = [kinds] if isinstance(kinds, str) else [kind for kind in kinds if kind != "null"]
    return gettext(", ").join(str(TYPES[name]) for name in dict.fromkeys(names or ["object"]))


def _curl(method: str, address: str, told: Json) -> str:
    """A call as one types it, with the key in the variable FLYWHEEL_KEY."""
    key = '-H "Authorization: Bearer $FLYWHEEL_KEY"'
    if method == "GET":
        for name, value in _EXAMPLES.items():
            address = address.replace(f"{{{name}}}", value)
        return f'curl "{address}" {key}'
    example = json.dumps(told["requestBody"]["content"]["application/json"]["example"], ensure_ascii=False)
    lines = [f'curl "{address}?source=shop" {key}', '-H "Content-Type: application/json"', f"-d '{example}'"]
    return " \\\n  ".join(lines)


_EXAMPLES = {"batch_id": "1", "key": "cvr", "rollup": "conversion"}
