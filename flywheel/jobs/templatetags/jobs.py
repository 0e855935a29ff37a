"""What a job is doing, in words."""

import datetime as dt

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from flywheel.jobs.models import Job
from flywheel.jobs.words import KINDS, STEPS

register = template.Library()


@register.filter
def kind_words(job: Job) -> str:
    """What kind of work it is."""
    return str(KINDS.get(job.kind, job.kind))


@register.filter
def step_words(job: Job) -> str:
    """What it is doing now, or waits for."""
    if job.state == Job.State.QUEUED:
        return _("Waiting for a free worker")
    return str(STEPS.get(job.step, job.step)) or _("Starting")


@register.filter
def took(job: Job) -> dt.timedelta | None:
    """How long it ran, until now when it still runs; None before it has started."""
    if job.started_at is None:
        return None
    return (job.finished_at or timezone.now()) - job.started_at
