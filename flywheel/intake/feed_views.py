"""Feeds on their source's page: how each is, and what a member may do about it. They are made by `manage.py add_feed`.

A feed's table is named where the program runs: whoever could name one here could read what another workspace owns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from flywheel import jobs
from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role, Workspace
from flywheel.accounts.templatetags.formats import duration
from flywheel.facts.models import Source
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Feed
from flywheel.jobs.models import Job

EVERY = {
    15: gettext_lazy("every 15 minutes"),
    60: gettext_lazy("every hour"),
    6 * 60: gettext_lazy("every 6 hours"),
    24 * 60: gettext_lazy("every day"),
    7 * 24 * 60: gettext_lazy("every week"),
}
STATES = {  # a key of templates/_state.html -> words
    "running": gettext_lazy("Being read"),
    "failed": gettext_lazy("Failed"),
    "not_agreed": gettext_lazy("Paused"),
    "queued": gettext_lazy("Not read yet"),
    "done": gettext_lazy("Up to date"),
}


class FeedForm(forms.Form):
    """How often a feed's table is read; 0 stands for not at all."""

    every = forms.TypedChoiceField(label=gettext_lazy("Read"), coerce=int)

    def __init__(self, feed: Feed, data: Any = None) -> None:
        super().__init__(data, prefix=f"feed-{feed.pk}", initial={"every": feed.every_minutes if feed.enabled else 0})
        known = EVERY | {feed.every_minutes: every_words(feed.every_minutes)}
        self.fields["every"].choices = [*sorted(known.items()), (0, _("not any more"))]  # type: ignore[attr-defined]


@dataclass(frozen=True)
class FeedRow:
    """One feed as its source's page shows it; `job` is the one that reads it now."""

    feed: Feed
    job: Job | None
    form: FeedForm

    @property
    def is_under_way(self) -> bool:
        """Whether it is being read, or what was read is being loaded."""
        return bool(self.job or self.feed.reached)

    @property
    def state(self) -> str:
        """A key of STATES; a pause is told before an old failure."""
        if self.is_under_way:
            return "running"
        if not self.feed.enabled:
            return "not_agreed"
        if self.feed.last_error:
            return "failed"
        return "done" if self.feed.last_run_at else "queued"

    @property
    def state_label(self) -> str:
        """The state in words."""
        return str(STATES[self.state])

    @property
    def kind_label(self) -> str:
        """What is read, in words."""
        kind = KINDS.get(self.feed.plan.get("kind", ""))
        return str(kind.label) if kind else ""

    @property
    def every_text(self) -> str:
        """How often it is read, in words."""
        return every_words(self.feed.every_minutes)

    @property
    def next_run_at(self) -> datetime | None:
        """When it is due; None when it is paused, being read, or due at once."""
        if not self.feed.enabled or self.is_under_way or self.feed.last_run_at is None:
            return None
        return self.feed.last_run_at + timedelta(minutes=self.feed.every_minutes)


def every_words(minutes: int) -> str:
    """ "every hour", "every 1 hr 30 min"."""
    return str(EVERY.get(minutes) or _("every %(time)s") % {"time": duration(timedelta(minutes=minutes))})


def rows(workspace: Workspace, source: Source) -> list[FeedRow]:
    """The feeds of a source by name, each with the job that is reading it."""
    feeds = list(Feed.objects.filter(workspace=workspace, source=source).select_related("batch"))
    running = _jobs(workspace, feeds)
    return [FeedRow(feed, running.get(feed.pk), FeedForm(feed)) for feed in feeds]


def _jobs(workspace: Workspace, feeds: Sequence[Feed]) -> dict[int, Job]:
    under_way = Job.objects.filter(workspace=workspace, kind="feed", state__in=[Job.State.QUEUED, Job.State.RUNNING])
    found = under_way.filter(params__feed__in=[feed.pk for feed in feeds]) if feeds else ()
    return {job.params["feed"]: job for job in found}


@login_required
@require_POST
def feed_read(request: HttpRequest, slug: str, feed_id: int) -> HttpResponse:
    """Read a feed's table now, also rows that were rejected and have not changed."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    feed = get_object_or_404(Feed, workspace=workspace, pk=feed_id)
    job = {"feed": feed.pk, "again": True}
    jobs.start(workspace, "feed", job, user=request.user, once=True)  # type: ignore[arg-type]
    return redirect("source-detail", slug, feed.source_id)


@login_required
@require_POST
def feed_change(request: HttpRequest, slug: str, feed_id: int) -> HttpResponse:
    """Change how often a feed's table is read, or pause it."""
    workspace = get_workspace(request, slug, needs=Role.ENGINE_LEAD)
    feed = get_object_or_404(Feed, workspace=workspace, pk=feed_id)
    form = FeedForm(feed, request.POST)
    if form.is_valid():
        every = form.cleaned_data["every"]
        change = {"enabled": True, "every_minutes": every} if every else {"enabled": False}
        Feed.objects.filter(pk=feed.pk).update(**change)
        messages.success(request, _("Saved."))
    else:
        messages.error(request, _("Choose one of the times in the list."))
    return redirect("source-detail", slug, feed.source_id)
