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


class Change(models.Model):
    """A record as it was before a batch changed it, by one of its rows or through one: what an undo puts back.

    `before` is the whole row as JSON, `before_batch` the batch that had last written it. Records that a batch added
    need no entry: they are those that still name it.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    batch_id = models.BigIntegerField()
    table_name = models.CharField(max_length=40)
    fact_id = models.BigIntegerField()
    before = models.JSONField()
    before_batch = models.BigIntegerField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["batch_id", "table_name", "fact_id"], name="change_once"),)
        indexes = (
            models.Index(fields=["workspace", "before_batch"], name="change_before"),
            models.Index(fields=["table_name", "fact_id"], name="change_fact"),
        )

    def __str__(self) -> str:
        return f"{self.table_name} {self.fact_id}"
