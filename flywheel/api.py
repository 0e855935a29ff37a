"""The programs' API, put together from the rooms: /api/v1/, with its reference."""

from typing import Any

import orjson
import structlog
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import ValidationError
from ninja.renderers import BaseRenderer

from flywheel.accounts.api import ApiError, refusal
from flywheel.diagnosis.api import router as diagnosis
from flywheel.intake import api_schemas
from flywheel.intake.api import router as intake
from flywheel.measures.api import router as measures

log = structlog.get_logger(__name__)


class Renderer(BaseRenderer):
    """JSON by orjson."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        """The bytes of an answer."""
        return orjson.dumps(data, default=str)


class Api(NinjaAPI):
    """The API with the kinds' rows among its schemas."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._schemas: dict[str, Any] = {}

    def get_openapi_schema(self, **where: Any) -> Any:
        """The reference as OpenAPI 3.1, in the active language; worked out once per process and language."""
        key = f"{get_language()} {where}"
        if key not in self._schemas:
            self._schemas[key] = self._described(**where)
        return self._schemas[key]

    def _described(self, **where: Any) -> Any:
        schema = super().get_openapi_schema(**where)
        schema["components"]["schemas"].update(api_schemas.row_schemas())
        for methods in schema["paths"].values():
            for operation in methods.values():
                operation["responses"][429]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
        return schema


api = Api(title="Flywheel", version="1", urls_namespace="api", docs_url=None, renderer=Renderer())
for room in (intake, diagnosis, measures):
    api.add_router("", room)


# --- what goes wrong, as JSON ---------------------------------------------------------------------------------------
def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    """Names the parameters that cannot be read (`error` is a ValidationError)."""
    names = sorted({str(problem["loc"][-1]) for problem in error.errors})
    missing = all(problem["type"] == "missing" for problem in error.errors)
    text = _("Give a value for: %(names)s.") if missing else _("These cannot be read: %(names)s.")
    return refusal(ApiError(422, "parameter", text % {"names": ", ".join(names)}))


def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    return refusal(error)


def _failed(request: HttpRequest, error: Any) -> HttpResponse:
    log.error("api.failed", path=request.path, exc_info=error)
    return refusal(ApiError(500, "internal", _("Something went wrong on our side. Nothing was stored: try again.")))


@csrf_exempt
def not_found(request: HttpRequest, path: str = "") -> HttpResponse:
    """The answer at addresses that the API does not have."""
    return refusal(ApiError(404, "not_found", _("There is nothing at this address. The reference is at /api/v1/.")))


api.add_exception_handler(ApiError, _refused)
api.add_exception_handler(ValidationError, _invalid)
api.add_exception_handler(Exception, _failed)
api.add_exception_handler(Http404, lambda request, error: not_found(request))
