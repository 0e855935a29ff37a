"""What a landed batch leaves to be done."""

from django.db import models

from flywheel.accounts.models import Workspace


class Rollup(models.TextChoices):
    """The roll-ups, named as their SQL files."""

    MARKET = "market"
    CONVERSION = "conversion"
    AFTERSALES = "aftersales"
    COHORTS = "cohorts"


class DirtyWeek(models.Model):
    """A week whose measures are out of date, written in the transaction that changed its facts.

    For `cohorts` the week is that of the customers' first order.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    rollup = models.CharField(max_length=12, choices=Rollup)
    week = models.DateField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "rollup", "week"], name="dirty_week_once"),)

    def __str__(self) -> str:
        return f"{self.rollup} {self.week}"
