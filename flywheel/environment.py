"""The one place that reads environment variables: each is declared, parsed, and refused with a clear message."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Variable:
    """One environment variable. `help` and `default` are what the README's table must say (a test holds it)."""

    name: str
    default: str
    help: str


VARIABLES: dict[str, Variable] = {
    v.name: v
    for v in [
        Variable("SECRET_KEY", "", "Signs sessions and forms. Required with an external database."),
        Variable("DEBUG", "false", "Django's debug pages; never on a server."),
        Variable("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", "Host names the web server answers to."),
        Variable("TRUSTED_ORIGINS", "", "Origins allowed to post forms, e.g. https://flywheel.example.com."),
        Variable("HTTPS", "false", "Behind TLS: secure cookies, HSTS, X-Forwarded-Proto trusted."),
        Variable("DATABASE_URL", "", "postgres://user:password@host:5432/name. Empty: the embedded server."),
        Variable("REDIS_URL", "", "redis://host:6379/0, for Celery and the cache. Empty: the embedded server."),
        Variable("VAR_DIR", "var", "Folder for the embedded servers' data, uploads, logs and screenshots."),
        Variable("POSTGRES_BIN", "", "Folder with initdb and postgres, in place of the bundled ones."),
        Variable("VALKEY_BIN", "", "A valkey-server or redis-server, in place of the bundled one."),
        Variable("HOST", "127.0.0.1", "Address the web server listens on."),
        Variable("PORT", "8000", "Port the web server listens on."),
        Variable("WEB_WORKERS", "2", "Web server processes."),
        Variable("CELERY_WORKERS", "2", "Celery worker processes."),
        Variable("MAX_UPLOAD_MB", "2048", "Largest file accepted by the upload page."),
        Variable("WATCH_DIR", "", "Folder whose files are loaded by themselves (docs/operations.md). Empty: off."),
        Variable("FEED_DATABASE_URL", "", "postgres://... where feeds read tables (docs/handover.md). Empty: our own."),
        Variable("API_REQUESTS_PER_MINUTE", "600", "Requests that one API key may make per minute."),
        Variable("API_BODY_MB", "32", "Largest body of an API request, as sent and when unpacked."),
        Variable("EMAIL_URL", "", "smtp://user:password@host:587/?tls=true or smtps://... Empty: no mail is sent."),
        Variable("EMAIL_FROM", "", "Sender of that mail, e.g. flywheel@example.com. Required with EMAIL_URL."),
        Variable("DEMO_ORDERS", "200000", "Orders in the demo business."),
        Variable("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR."),
        Variable("FLYWHEEL_REAL_DATA", "", "Folder with public data sets; tests that need them skip without it."),
    ]
}


def text(name: str) -> str:
    """The variable as a string, stripped; its default when unset or empty."""
    return (os.environ.get(name) or VARIABLES[name].default).strip()


def flag(name: str) -> bool:
    """The variable as true or false; raises ImproperlyConfigured on any other word."""
    value = text(name).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name}={value!r}: expected true or false.")


def number(name: str, low: int, high: int) -> int:
    """The variable as a whole number from `low` to `high`; raises ImproperlyConfigured otherwise."""
    value = text(name)
    if not value.isdigit() or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name}={value!r}: expected a whole number from {low} to {high}.")
    return int(value)


def words(name: str) -> list[str]:
    """The variable as a comma-separated list, empty parts dropped."""
    return [part.strip() for part in text(name).split(",") if part.strip()]


def choice(name: str, allowed: set[str]) -> str:
    """The variable as one of `allowed`; raises ImproperlyConfigured otherwise."""
    value = text(name)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r}: expected one of {', '.join(sorted(allowed))}.")
    return value


def database(url: str, name: str = "DATABASE_URL") -> dict[str, object]:
    """Django's DATABASES entry for a postgres:// address; raises ImproperlyConfigured when it is another kind."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name}: expected postgres://user:password@host:port/name.")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(options.pop("host", "") or parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
    }


def redis(url: str) -> tuple[str, str]:
    """(Celery's address, the cache's address) for a redis://, rediss:// or unix:// address.

    A socket is written unix:///path/to.sock?db=0. Raises ImproperlyConfigured when it is another kind.
    """
    parts = urlsplit(url)
    if parts.scheme in {"redis", "rediss"} and parts.hostname:
        return url, url
    if parts.scheme == "unix" and parts.path:
        base = dict(parse_qsl(parts.query)).get("db", "0")
        return f"redis+socket://{parts.path}?virtual_host={base}", url
    raise ImproperlyConfigured("REDIS_URL: expected redis://host:port/number or unix:///path/to.sock?db=number.")


def mail(url: str) -> dict[str, object]:
    """Django's EMAIL_ settings for smtp:// (STARTTLS unless `?tls=false`) or smtps:// (TLS from the first byte).

    Raises ImproperlyConfigured, without repeating the password, when it is another kind.
    """
    expected = "EMAIL_URL: expected smtp://user:password@host:587/?tls=true or smtps://user:password@host:465."
    parts, options = urlsplit(url), dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    secure = parts.scheme == "smtps"
    starttls = options.pop("tls", str(not secure)).lower()
    try:
        port = parts.port or (465 if secure else 587)
    except ValueError:
        raise ImproperlyConfigured(expected) from None
    unknown = options or parts.path.strip("/") or starttls not in {"true", "false"}
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or unknown or (secure and starttls == "true"):
        raise ImproperlyConfigured(expected)
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": starttls == "true",
        "EMAIL_USE_SSL": secure,
    }


def mail_sender() -> str:
    """EMAIL_FROM; raises ImproperlyConfigured unless it is an address."""
    sender = text("EMAIL_FROM")
    if "@" not in sender:
        raise ImproperlyConfigured(f"EMAIL_FROM={sender!r}: expected the sender's address, needed with EMAIL_URL.")
    return sender


def folder(name: str) -> Path:
    """The variable as a folder, absolute; a relative one is in the checkout."""
    path = Path(text(name)).expanduser()
    return path if path.is_absolute() else BASE_DIR / path


def var_dir() -> Path:
    """The folder of everything the program writes, absolute."""
    return folder("VAR_DIR")


def table() -> str:
    """The README's table of every variable, in Markdown: `python -m flywheel.environment` prints it."""
    lines = ["| variable | default | what it is |", "|---|---|---|"]
    for variable in VARIABLES.values():
        default = f"`{variable.default}`" if variable.default else "empty"
        lines.append(f"| `{variable.name}` | {default} | {variable.help} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
