"""How a kept result of the room stands: of when it is, whether data has changed since, whether work is on its way."""

from dataclasses import dataclass
from datetime import date, datetime

from flywheel.accounts.models import Workspace
from flywheel.facts.models import DirtyWeek
from flywheel.jobs.models import Job
from flywheel.measures import fact_frames

COUNTS, LTV = "aftersales_counts", "ltv"  # kinds of jobs that make kept results
BEFORE = ("roll", "diagnose")  # each starts the next, and the last one those above


@dataclass(frozen=True)
class Standing:
    """A kept result: when the work on it began and the newest day it knows, both None where there is none.

    `is_stale`: weeks have changed since that it does not hold. `busy`: the first of the jobs that lead to a newer one.
    """

    began_at: datetime | None
    newest_day: date | None
    is_stale: bool
    busy: Job | None

    @property
    def is_kept(self) -> bool:
        """Whether there is a result, however old."""
        return self.began_at is not None


def of_counts(workspace: Workspace) -> Standing:
    """How the counts stand that `fact_frames` reads."""
    found = fact_frames.counted(workspace)
    return standing(workspace, COUNTS, found.began_at if found else None, found.newest_day if found else None)


def standing(workspace: Workspace, kind: str, began_at: datetime | None, newest_day: date | None) -> Standing:
    """How the result of jobs of `kind` stands whose work began at `began_at`."""
    waiting = Job.objects.filter(workspace=workspace, kind__in=(*BEFORE, kind))
    waiting = waiting.filter(state__in=(Job.State.QUEUED, Job.State.RUNNING))
    busy = waiting.order_by("created_at").first()
    return Standing(began_at, newest_day, began_at is not None and _has_changed(workspace, began_at), busy)


def _has_changed(workspace: Workspace, since: datetime) -> bool:
    """Whether weeks wait to be rolled, or were rolled without the work that follows having come to its end."""
    if DirtyWeek.objects.filter(workspace=workspace).exists():
        return True
    rolled = Job.objects.filter(workspace=workspace, kind="roll", state=Job.State.DONE, finished_at__gt=since)
    return rolled.filter(result__weeks__gt=0).exists()
