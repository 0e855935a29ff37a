"""Programs that call the API with a key, for tests."""

from collections.abc import Sequence
from typing import Any

import orjson
from django.test import Client

from flywheel.accounts import keys
from flywheel.accounts.models import Workspace

BOTH = ("facts:write", "metrics:read")


class Caller:
    """A program with a key to a workspace; `key` in place of a good one."""

    def __init__(self, workspace: Workspace, scopes: Sequence[str] = BOTH, key: str = "") -> None:
        self.key = key or keys.make(workspace, "test", list(scopes))[1]
        self.client = Client()

    def get(self, path: str, **query: object) -> Any:
        """A read; `from_` stands for the word that Python keeps to itself."""
        asked = {name.rstrip("_"): value for name, value in query.items()}
        return self.client.get(f"/api/v1/{path}", asked, headers=self._headers())

    def push(self, kind: str, rows: Sequence[object], on_error: str = "reject", **headers: str) -> Any:
        """Rows sent as the program's shop."""
        return self.send(kind, orjson.dumps({"rows": rows}), on_error=on_error, **headers)

    def send(
        self, kind: str, body: bytes, content_type: str = "application/json", on_error: str = "reject", **headers: str
    ) -> Any:
        """A body as it is; `headers` with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        address = f"/api/v1/facts/{kind}?source=shop&on_error={on_error}"
        return self.client.post(address, body, content_type=content_type, headers=self._headers() | named)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}
