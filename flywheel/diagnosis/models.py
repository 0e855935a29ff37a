"""Each week's verdict, kept as it was published."""

from django.db import models
from django.utils import timezone

from flywheel.accounts.models import Workspace


class Diagnosis(models.Model):
    """The diagnosis of one complete week. The first row of a week is what was published; later ones are restatements.

    `result` is `engines.diagnosis.Diagnosis` as plain data, `kpis` the rows of `engines.weekly.review`.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="diagnoses")
    week = models.DateField()
    revision = models.PositiveIntegerField(default=0)
    computed_at = models.DateTimeField(default=timezone.now)
    result = models.JSONField()
    kpis = models.JSONField(default=list)

    class Meta:
        ordering = ("-week", "-revision")
        constraints = (models.UniqueConstraint(fields=["workspace", "week", "revision"], name="diagnosis_once"),)

    def __str__(self) -> str:
        return f"{self.week} r{self.revision}"
