"""Long work as rows: what runs, how far it is, who asked, and how it ended."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.models import Workspace


class Job(models.Model):
    """One piece of long work. `attempt` is its fencing token: only the holder of the newest attempt may finish it."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    done = models.BigIntegerField(default=0)  # steps done of `total`; total 0: not known yet
    total = models.BigIntegerField(default=0)
    step = models.CharField(max_length=200, blank=True)  # a key of flywheel.jobs.words.STEPS
    error = models.TextField(blank=True)
    result = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=["workspace", "-created_at"], name="job_recent"),
            models.Index(fields=["state", "heartbeat_at"], name="job_alive"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

    @property
    def is_over(self) -> bool:
        """Whether the job has ended, well or badly."""
        return self.state in {self.State.DONE, self.State.FAILED}
