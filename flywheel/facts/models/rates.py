"""A workspace's own exchange rates."""

from django.db import models

from flywheel.accounts.models import Workspace
from flywheel.facts.models.base import Fact, fact_key


class ExchangeRate(Fact):
    """Units of a currency per euro on one day, as a file of the workspace says: it goes before the published rate."""

    currency = models.CharField(max_length=3)
    day = models.DateField()
    per_euro = models.DecimalField(max_digits=25, decimal_places=12)

    class Meta:
        constraints = (fact_key("exchange_rate"),)


class RatesVersion(models.Model):
    """Tells the workspace's own rates from earlier ones: another token after every change of them."""

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, primary_key=True)
    token = models.UUIDField()

    def __str__(self) -> str:
        return str(self.token)
