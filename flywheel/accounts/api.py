"""The gate of the programs' API: which key, what it may do, how often; and errors as JSON in the caller's language."""

import math
import time
from collections.abc import Mapping
from typing import Any

import orjson
import redis
import structlog
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from ninja import Schema
from ninja.security import HttpBearer

from flywheel.accounts import keys
from flywheel.accounts.models import ApiKey

WINDOW_SECONDS = 60
FACTS_WRITE, METRICS_READ = ApiKey.Scope.FACTS_WRITE, ApiKey.Scope.METRICS_READ
log = structlog.get_logger(__name__)


class Problem(Schema):
    """What went wrong: a code for programs, a message for people."""

    code: str
    message: str


class Refusal(Schema):
    """The answer to a request that was not carried out."""

    error: Problem


class ApiError(Exception):
    """A request that cannot be carried out. `more` goes beside the error in the answer."""

    def __init__(
        self, status: int, code: str, message: str | Promise, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})


REFUSALS: dict[int, Any] = {401: Refusal, 403: Refusal, 422: Refusal, 429: Refusal}  # of every operation


def answer(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """`data` as JSON; a float that is no number becomes null."""
    body = data if isinstance(data, bytes) else orjson.dumps(data, default=str)
    return HttpResponse(body, status=status, content_type="application/json", headers=dict(headers or {}))


def refusal(error: ApiError) -> HttpResponse:
    """The answer that tells an error."""
    return answer({"error": {"code": error.code, "message": str(error.message)}}, error.status, error.headers)


class KeyAuth(HttpBearer):
    """Lets in a key that holds any of `scopes`: `Authorization: Bearer fw_…`. Counts its requests."""

    def __init__(self, *scopes: ApiKey.Scope) -> None:
        super().__init__()
        self.scopes = scopes

    def __call__(self, request: HttpRequest) -> ApiKey:
        """The key of the request; raises ApiError."""
        key = super().__call__(request)
        if not isinstance(key, ApiKey):
            raise ApiError(401, "key_missing", _MISSING, _CHALLENGE)
        return key

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        """The key of that text, when it is good for this; raises ApiError."""
        key = keys.find(token.strip())
        if key is None:
            raise ApiError(401, "key_unknown", _("This key is not known."), _CHALLENGE)
        if key.state != "active":
            raise ApiError(401, f"key_{key.state}", _CLOSED[key.state], _CHALLENGE)
        count(key)
        if not set(self.scopes) & set(key.scopes):
            raise ApiError(403, "scope", _("This key may not do that: make one with the right that it lacks."))
        keys.note_use(key, timezone.now())
        return key


_MISSING = _("Send the key of a workspace in the header Authorization: Bearer.")
_CLOSED = {"revoked": _("This key has been revoked."), "expired": _("This key has expired.")}
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def count(key: ApiKey) -> None:
    """Count a request of the key; raises ApiError above API_REQUESTS_PER_MINUTE in one minute of the clock.

    When Redis does not answer, the request is let through: data that a shop sends is worth more than the limit.
    """
    now = time.time()
    name = f"api:{key.pk}:{int(now // WINDOW_SECONDS)}"
    try:
        cache.add(name, 0, timeout=2 * WINDOW_SECONDS)
        made = cache.incr(name)
    except (redis.RedisError, ValueError) as error:
        log.warning("api.not_counted", key=key.pk, error=str(error))
        return
    if made > settings.API_REQUESTS_PER_MINUTE:
        wait = math.ceil(WINDOW_SECONDS - now % WINDOW_SECONDS)
        raise ApiError(429, "too_many_requests", _("Too many requests in this minute: wait, then go on."),
                       {"Retry-After": str(wait)})  # fmt: skip
