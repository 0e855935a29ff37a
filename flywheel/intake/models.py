"""Batches of facts and the mappings that read them."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Source
from flywheel.jobs.models import Job


class Mapping(models.Model):
    """How a kind of file is read: which column feeds which field, and what its words mean.

    `columns`: field name -> column header. `constants`: field name -> value for every row.
    `values`: field name -> {word in the file: our word}. `options`: date_format, time_zone, decimal, delimiter ...
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="mappings")
    slug = models.SlugField(max_length=60, allow_unicode=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind of data"), max_length=30)
    columns = models.JSONField(default=dict)
    constants = models.JSONField(default=dict)
    values = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "slug"], name="mapping_once"),)
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Batch(models.Model):
    """One file loaded as one kind of fact: whole or not at all."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Not loaded yet")
        QUEUED = "queued", _("Waiting")
        LOADED = "loaded", _("Loaded")
        REJECTED = "rejected", _("Rejected")
        FAILED = "failed", _("Failed")

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="batches")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="batches")
    kind = models.CharField(max_length=30)
    mapping = models.JSONField(default=dict)  # as used: columns, constants, values, options
    file_name = models.CharField(max_length=255)
    path = models.CharField(max_length=500)
    size = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    rows = models.BigIntegerField(null=True)
    added = models.BigIntegerField(null=True)
    changed = models.BigIntegerField(null=True)
    unchanged = models.BigIntegerField(null=True)
    rejected = models.BigIntegerField(null=True)  # rows with something wrong
    notes = models.JSONField(
        default=dict
    )  # what the reader should know: a key of flywheel.intake.words.NOTES -> number
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)
    loaded_at = models.DateTimeField(null=True)

    RUNNING = "running"  # shown while its job runs, never stored
    STARTABLE = (State.DRAFT, State.FAILED)

    class Meta:
        ordering = ("-created_at",)
        indexes = (models.Index(fields=["workspace", "-created_at"], name="batch_recent"),)

    def __str__(self) -> str:
        return self.file_name

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
    def has_file(self) -> bool:
        """Whether the file is still here; uploads are deleted once loaded, or a week later (`batches.forget_old`)."""
        return Path(self.path).is_file()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.shown_state not in {self.State.QUEUED, self.RUNNING}

    @property
    def kind_label(self) -> str:
        """The kind of data, in words."""
        from flywheel.intake.kinds import KINDS

        return str(KINDS[self.kind].label) if self.kind in KINDS else self.kind


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
