"""Batches of facts and the mappings that read them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Source
from flywheel.jobs.models import Job

if TYPE_CHECKING:
    from flywheel.intake.plans import Plan


class Mapping(models.Model):
    """How files with one header are read: a list of plans as data (`plans.Plan.as_data`), one per kind of fact.

    `source`: where such files come from, when it was saved for one.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="mappings")
    source = models.ForeignKey(Source, null=True, on_delete=models.SET_NULL, related_name="mappings")
    slug = models.SlugField(max_length=60, allow_unicode=True)
    name = models.CharField(_("name"), max_length=120)
    plans = models.JSONField(default=list)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "slug"], name="mapping_once"),)
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def is_for(self, source: str) -> bool:
        """Whether files of a source (its slug) may be read by it: of its own, or any when it was saved for none."""
        return self.source is None or self.source.slug == source

    @property
    def as_plans(self) -> "tuple[Plan, ...]":
        """The plans, parsed."""
        return _parsed(self.plans)


def _parsed(data: list[dict[str, Any]]) -> "tuple[Plan, ...]":
    from flywheel.intake.plans import plan_of

    return tuple(map(plan_of, data))


class Batch(models.Model):
    """One file, or one delivery, loaded as one or several kinds of fact: whole or not at all.

    `kind` is the first plan's. Before it is loaded the counts say what would become of its rows (`checked_at`).
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Not loaded yet")
        QUEUED = "queued", _("Waiting")
        LOADED = "loaded", _("Loaded")
        REJECTED = "rejected", _("Rejected")
        FAILED = "failed", _("Failed")
        UNDONE = "undone", _("Undone")

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="batches")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="batches")
    kind = models.CharField(max_length=30)
    plans = models.JSONField(default=list)  # as used: a list of Plan.as_data
    mapping_name = models.CharField(max_length=60, blank=True)  # the saved mapping or format the plans came from
    renamed = models.JSONField(default=dict)  # headers of that mapping that are gone -> those taken in their place
    file_name = models.CharField(max_length=255)
    path = models.CharField(max_length=500)
    size = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)  # of the file's bytes: tells the same file under another name
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")  # loads it, or takes it back
    check_job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    skips_bad_rows = models.BooleanField(default=False)  # load the good rows; the others are listed and given back
    rows = models.BigIntegerField(null=True)
    added = models.BigIntegerField(null=True)
    changed = models.BigIntegerField(null=True)
    unchanged = models.BigIntegerField(null=True)
    rejected = models.BigIntegerField(null=True)  # rows with something wrong
    problems = models.IntegerField(default=0)  # listed as RowError: of rows, or of the file as a whole
    notes = models.JSONField(
        default=dict
    )  # what the reader should know: a key of flywheel.intake.words.NOTES -> number
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)
    checked_at = models.DateTimeField(null=True)
    loaded_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    RUNNING = "running"  # shown while its job runs, never stored
    STARTABLE = (State.DRAFT, State.FAILED, State.REJECTED)  # while its file is there

    class Meta:
        ordering = ("-created_at",)
        indexes = (models.Index(fields=["workspace", "-created_at"], name="batch_recent"),)

    def __str__(self) -> str:
        return self.file_name

    @property
    def as_plans(self) -> "tuple[Plan, ...]":
        """How the file is read, parsed."""
        return _parsed(self.plans)

    @property
    def shown_state(self) -> str:
        """The state as its reader understands it: a queued batch is as far as its job is."""
        is_running = self.state == self.State.QUEUED and self.job and self.job.state == Job.State.RUNNING
        return self.RUNNING if is_running else self.state

    @property
    def shown_state_label(self) -> str:
        """The shown state in words."""
        if self.shown_state == self.RUNNING:
            return str(Job.State.RUNNING.label)
        return str(self.State(self.shown_state).label)

    @property
    def can_start(self) -> bool:
        """Whether it can be looked at and loaded: it waits for that, or has failed, and its file is still here."""
        return self.state in self.STARTABLE and self.has_file

    @property
    def is_being_checked(self) -> bool:
        """Whether a job is finding out what would become of its rows."""
        return self.state in self.STARTABLE and self.check_job is not None and not self.check_job.is_over

    @property
    def is_sound(self) -> bool:
        """Whether it was checked and nothing is wrong with it."""
        return self.can_start and self.checked_at is not None and not self.problems

    @property
    def is_being_undone(self) -> bool:
        """Whether a job is taking it back."""
        job = self.job
        return self.state == self.State.LOADED and job is not None and job.kind == "undo" and not job.is_over

    @property
    def has_file(self) -> bool:
        """Whether the file is still here; uploads are deleted once loaded, or a week later (`batches.forget_old`)."""
        return bool(self.path) and Path(self.path).is_file()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.shown_state not in {self.State.QUEUED, self.RUNNING} and not self.is_being_undone

    @property
    def kind_label(self) -> str:
        """The kinds of data, in words."""
        from flywheel.intake.kinds import KINDS

        slugs = dict.fromkeys(plan["kind"] for plan in self.plans) or {self.kind: None}
        return " · ".join(str(KINDS[slug].label) if slug in KINDS else slug for slug in slugs)


class RowError(models.Model):
    """One thing wrong in one row of a batch's file."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="errors")
    line = models.BigIntegerField()
    column = models.CharField(max_length=200, blank=True)
    value = models.CharField(max_length=200, blank=True)
    code = models.CharField(max_length=40)  # a key of flywheel.intake.words.EXPECTED
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("line", "id")

    def __str__(self) -> str:
        return f"{self.line}: {self.code}"

    @property
    def expected(self) -> str:
        """What was expected, in the active language."""
        from flywheel.intake.words import expected

        return expected(self.code, self.detail)


class WatchedFile(models.Model):
    """A file taken from the watched folder: the row is made with its batch, so that no file becomes two."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="watched_files")
    batch = models.ForeignKey(Batch, null=True, on_delete=models.SET_NULL, related_name="+")
    place = models.TextField(unique=True)  # in WATCH_DIR, of the file as it was taken: acme/shop/.taken/...-orders.csv
    taken_at = models.DateTimeField(auto_now_add=True)
    reported_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["taken_at"], name="watched_unreported", condition=models.Q(reported_at__isnull=True)),
        )

    def __str__(self) -> str:
        return self.place


class Feed(models.Model):
    """A table that a loader writes and that is read on schedule; only the operator makes one (`manage.py add_feed`).

    `cursor`: up to where it has landed, as text. `reached`: up to where `batch` goes while that is not over, else ''.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="feeds")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="feeds")
    name = models.CharField(max_length=200, unique=True)
    schema = models.CharField(max_length=63)
    table = models.CharField(max_length=63)
    plan = models.JSONField(default=dict)  # one of Batch.plans
    cursor_column = models.CharField(max_length=63)
    cursor = models.TextField(blank=True)
    reached = models.TextField(blank=True)
    batch = models.ForeignKey(Batch, null=True, on_delete=models.SET_NULL, related_name="+")  # the latest
    every_minutes = models.PositiveIntegerField(default=60)
    enabled = models.BooleanField(default=True)
    last_run_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class KeptAnswer(models.Model):
    """The answer to a request of the API that was carried out, given again when the same request comes again."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)  # the caller's Idempotency-Key
    asked = models.CharField(max_length=64)  # the request's fingerprint
    status = models.PositiveSmallIntegerField()
    body = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "key"], name="kept_answer_once"),)

    def __str__(self) -> str:
        return self.key
