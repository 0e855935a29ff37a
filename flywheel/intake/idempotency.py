"""An answer kept for a day under the caller's Idempotency-Key, so that a request sent twice is carried out once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from flywheel.accounts.models import Workspace
from flywheel.intake.models import KeptAnswer

KEPT = timedelta(hours=24)
LOCK_SPACE = 7_302  # the first key of the advisory lock by which requests with one Idempotency-Key take turns


class KeyReusedError(Exception):
    """The Idempotency-Key came before with something else."""


@dataclass(frozen=True)
class Answer:
    """What a request is told. Only one that stored something is worth keeping: the others may be sent again."""

    status: int
    body: bytes
    stored: bool


def once(workspace: Workspace, key: str, asked: str, work: Callable[[], Answer]) -> tuple[Answer, bool]:
    """The answer kept under `key`, or that of `work`, kept in the same transaction; and whether it was kept before.

    `asked` is the fingerprint of the request. One that comes while the first is at work waits for it. Raises
    KeyReusedError when the key came before with another request.
    """
    if not key:
        return work(), False
    with transaction.atomic():
        _wait_for_turn(workspace, key)
        known = KeptAnswer.objects.filter(workspace=workspace, key=key).first()
        if known and known.created_at > timezone.now() - KEPT:
            if known.asked != asked:
                raise KeyReusedError
            return Answer(known.status, bytes(known.body), stored=True), True
        answer = work()
        if answer.stored:
            fresh = {"asked": asked, "status": answer.status, "body": answer.body, "created_at": timezone.now()}
            KeptAnswer.objects.update_or_create(workspace=workspace, key=key, defaults=fresh)
        return answer, False


def fingerprint(*parts: bytes) -> str:
    """A hash of what was asked, part by part."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8))
        total.update(part)
    return total.hexdigest()


def forget_old(now: datetime) -> int:
    """Delete the answers that are no longer given; returns how many."""
    return KeptAnswer.objects.filter(created_at__lt=now - KEPT).delete()[0]


def _wait_for_turn(workspace: Workspace, key: str) -> None:
    """Hold the key until the transaction ends. Two keys may share a number, and then only take turns."""
    digest = hashlib.sha256(f"{workspace.pk} {key}".encode()).digest()
    with connection.cursor() as cursor:
        number = int.from_bytes(digest[:4], signed=True)
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, number])
