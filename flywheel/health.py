"""Whether the product can work: asked by load balancers, the container's health check, and the supervisor."""

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when the database and Redis answer, 503 with the name of the one that does not."""
    missing = [
        name for name, answers in [("database", _database_answers()), ("redis", _redis_answers())] if not answers
    ]
    return HttpResponse(" ".join(missing) or "ok", content_type="text/plain", status=503 if missing else 200)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _redis_answers() -> bool:
    try:
        with redis.Redis.from_url(settings.CACHE_URL, socket_timeout=2, socket_connect_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
