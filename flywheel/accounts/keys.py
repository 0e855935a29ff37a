"""Keys by which programs reach a workspace: made and shown once, found again, noted when used, revoked."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from flywheel.accounts.models import ApiKey, User, Workspace

START = "fw"  # by which scanners of published code can know a key
PREFIX_BYTES = 4  # 8 signs of hex: enough to tell a workspace's keys apart
SECRET_BYTES = 32
NOTED_EVERY = timedelta(minutes=1)  # a busy key writes its own row no more often


def make(
    workspace: Workspace, name: str, scopes: list[str], user: User | None = None, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key, and its text, which cannot be had again."""
    prefix, secret = secrets.token_hex(PREFIX_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    text = f"{START}_{prefix}_{secret}"
    key = ApiKey.objects.create(
        workspace=workspace,
        name=name,
        prefix=prefix,
        hash=_hash(text),
        scopes=scopes,
        created_by=user,
        expires_at=expires_at,
    )
    return key, text


def find(text: str) -> ApiKey | None:
    """The key of that text, with its workspace, whatever its state; None for anything else.

    Found by its prefix, which is no secret; the rest is compared by hash, in a time that tells nothing.
    """
    start, _, rest = text.partition("_")
    prefix = rest.partition("_")[0]
    if start != START or not (prefix.isascii() and prefix.isalnum()):
        return None
    key = ApiKey.objects.select_related("workspace").filter(prefix=prefix).first()
    return key if hmac.compare_digest(key.hash if key else "", _hash(text)) else None


def note_use(key: ApiKey, now: datetime) -> None:
    """Keep when the key was last used, to the minute."""
    if key.last_used_at is None or now - key.last_used_at >= NOTED_EVERY:
        due = Q(last_used_at=None) | Q(last_used_at__lte=now - NOTED_EVERY)
        ApiKey.objects.filter(due, pk=key.pk).update(last_used_at=now)


def revoke(key: ApiKey) -> None:
    """Close the key for good; one that is closed keeps its time."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


def _hash(text: str) -> str:
    """SHA-256 in hex: the secret is 32 random bytes, which no slow hash makes safer."""
    return hashlib.sha256(text.encode()).hexdigest()
