"""The rows in a request's body: JSON or NDJSON, plain or gzipped, never more than the limit in memory."""

import gzip
import io
import zlib
from codecs import BOM_UTF8
from typing import IO

import orjson
from django.conf import settings
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _

from flywheel.accounts.api import ApiError
from flywheel.intake.push import MOST_ROWS, Refused

JSON = "application/json"
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
SHOWN_ERROR = 200  # characters


def body_of(request: HttpRequest) -> bytes:
    """The body, unpacked. Raises ApiError when it is too large, damaged, or packed in an unknown way."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip"}:
        raise ApiError(415, "encoding", _("Send the body plain or packed with gzip."))
    sent = _sent(request)
    return _unpacked(sent) if encoding == "gzip" else sent


def _most_bytes() -> int:
    return settings.API_BODY_MB * 1024 * 1024


def _too_large() -> ApiError:
    text = _("The body is larger than %(most)s MB: send fewer rows at a time.") % {"most": settings.API_BODY_MB}
    return ApiError(413, "too_large", text)


def _sent(request: HttpRequest) -> bytes:
    """The body as sent; one without a length is read as far as the limit."""
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > _most_bytes():
        raise _too_large()
    source: IO[bytes] | HttpRequest = request
    if not length and request.META.get("wsgi.input_terminated"):
        source = request.META["wsgi.input"]
    try:
        sent = source.read(_most_bytes() + 1)
    except UnreadablePostError as problem:
        raise ApiError(400, "cut_off", _("The connection ended before the body did.")) from problem
    if len(sent) > _most_bytes():
        raise _too_large()
    if length.isdigit() and len(sent) < int(length):
        raise ApiError(400, "cut_off", _("The connection ended before the body did."))
    return sent


def _unpacked(sent: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(sent)) as packed:
            body = packed.read(_most_bytes() + 1)
    except (OSError, EOFError, zlib.error) as problem:
        raise ApiError(400, "gzip", _("The body is no complete gzip file.")) from problem
    if len(body) > _most_bytes():
        raise _too_large()
    return body


def rows_of(body: bytes, content_type: str) -> list[object]:
    """The rows of a body, one at least; a line of NDJSON that cannot be read is `Refused`. Raises ApiError."""
    if content_type in LINES:
        rows = [_line(at, line) for at, line in enumerate(filter(bytes.strip, body.splitlines()))]
    elif content_type == JSON:
        rows = _json_rows(body)
    else:
        text = _("Say what the body is in the header Content-Type: %(json)s or %(lines)s.")
        raise ApiError(415, "content_type", text % {"json": JSON, "lines": LINES[0]})
    if not rows:
        raise ApiError(422, "no_rows", _("There are no rows in the body."))
    if len(rows) > MOST_ROWS:
        text = _("%(rows)s rows are more than one request may hold: send at most %(most)s at a time.")
        raise ApiError(413, "too_many_rows", text % {"rows": f"{len(rows):,}", "most": f"{MOST_ROWS:,}"})
    return rows


def _json_rows(body: bytes) -> list[object]:
    try:
        data = orjson.loads(body.removeprefix(BOM_UTF8))
    except orjson.JSONDecodeError as problem:
        text = _("The body is not valid JSON: line %(line)s, column %(column)s.")
        place = {"line": problem.lineno, "column": problem.colno}
        raise ApiError(400, "json", text % place) from problem
    rows = data.get("rows") if isinstance(data, dict) else data
    if not isinstance(rows, list):
        raise ApiError(422, "shape", _('Send a list of rows, or an object {"rows": [...]}.'))
    return rows


def _line(at: int, line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return Refused(at, "json")
