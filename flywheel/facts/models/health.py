"""How a source's data is doing, as last checked."""

from django.db import models

from flywheel.accounts.models import Workspace
from flywheel.facts.models.base import Source


class SourceHealth(models.Model):
    """What a check found of one kind of fact from one source, over the 120 days up to its newest record.

    `kind` is a kind's slug. Records without dates of their own (customers, lines) have only the last batch.
    `days`: ISO date -> records, days without any left out. `gaps`: [first day, last day, days missing].
    `pause_days`: what usually lies between two days with records, 0 where they come daily, NULL when not known.
    `volume` and `coverage` as flywheel.intake.health writes them; {} where they do not apply.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="health")
    kind = models.CharField(max_length=30)
    oldest_day = models.DateField(null=True)
    newest_day = models.DateField(null=True)
    records = models.BigIntegerField(null=True)
    ahead = models.BigIntegerField(default=0)  # records dated after the day of the check: left out of all the others
    days = models.JSONField(default=dict)
    gaps = models.JSONField(default=list)
    pause_days = models.PositiveSmallIntegerField(null=True)
    volume = models.JSONField(default=dict)
    coverage = models.JSONField(default=dict)
    last_batch_id = models.BigIntegerField(null=True)
    last_loaded_at = models.DateTimeField(null=True)
    computed_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["source", "kind"], name="source_health_once"),)
        ordering = ("source", "kind")

    def __str__(self) -> str:
        return f"{self.source_id} {self.kind}"
