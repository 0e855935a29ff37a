"""`python -m flywheel.probe`: exit code 0 when the web server on this machine is healthy (containers ask it)."""

import sys
import urllib.error
import urllib.request

from flywheel import environment as env


def address(host: str, port: int) -> str:
    """Where this machine finds its own web server."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{port}/"


def is_healthy(base: str) -> bool:
    """Whether /healthz answers 200."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # this machine: never through a proxy
    try:
        with opener.open(f"{base}healthz", timeout=4) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(0 if is_healthy(address(env.text("HOST"), env.number("PORT", 1, 65535))) else 1)
