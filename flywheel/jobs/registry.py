"""Which function does which kind of work. A room registers its own in `<room>/jobs.py`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import autodiscover_modules

if TYPE_CHECKING:
    from flywheel.jobs.models import Job
    from flywheel.jobs.progress import Progress

Handler = Callable[["Job", "Progress"], dict[str, Any] | None]
_handlers: dict[str, Handler] = {}
_after_failure: dict[str, Callable[["Job"], None]] = {}
_followers: dict[str, list[str]] = {}


def handler(
    kind: str, after_failure: "Callable[[Job], None] | None" = None, follows: str = ""
) -> Callable[[Handler], Handler]:
    """Register the decorated function for jobs of `kind`. Raises ValueError when the kind has another handler.

    `after_failure` is called in the transaction that records that the job has failed for good.
    `follows`: a kind after whose success a job of this kind starts, so that the room below need not know of it.
    It may be called again for the same job after a worker's death, so it must be safe to rerun. What it returns
    (plain JSON) becomes the job's result.
    """

    def register(function: Handler) -> Handler:
        if kind in _handlers:
            raise ValueError(f"Two handlers for jobs of kind {kind!r}.")
        _handlers[kind] = function
        if after_failure:
            _after_failure[kind] = after_failure
        if follows:
            _followers.setdefault(follows, []).append(kind)
        return function

    return register


def after_failure(job: "Job") -> None:
    """Tell the room whose job has failed for good; the rooms' modules are read at first use."""
    if job.kind not in _handlers:
        autodiscover_modules("jobs")
    if told := _after_failure.get(job.kind):
        told(job)


def followers(kind: str) -> list[str]:
    """The kinds that follow a job of `kind` that went well; the rooms' modules are read first."""
    autodiscover_modules("jobs")
    return list(_followers.get(kind, []))


def find(kind: str) -> Handler:
    """The handler of `kind`; raises LookupError when no room has one. The rooms' modules are read at first use."""
    if kind not in _handlers:
        autodiscover_modules("jobs")
    try:
        return _handlers[kind]
    except KeyError:
        raise LookupError(f"No handler for jobs of kind {kind!r}.") from None
