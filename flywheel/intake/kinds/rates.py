"""Exchange rates of a workspace's own."""

from django.utils.translation import gettext_lazy as _

from flywheel.facts import models as facts
from flywheel.intake import derive
from flywheel.intake.derive import Derived
from flywheel.intake.kinds.base import Column, Kind

EXCHANGE_RATES = Kind(
    slug="exchange_rates",
    label=_("Exchange rates"),
    help=_(
        "One row per day and currency: how many units of the currency one euro is, as the European Central Bank "
        "publishes it. Your own rates go before the built-in ones, and amounts loaded before follow them."
    ),
    model=facts.ExchangeRate,
    key=("date", "currency"),
    key_separator="|",
    columns=(
        Column(
            "date",
            "date",
            _("Date"),
            ("2026-03-02", "2026-03-02"),
            target="",
            required=True,
            aliases=("day", "time_period"),
        ),
        Column(
            "currency",
            "currency",
            _("Currency"),
            ("VND", "BDT"),
            required=True,
            help=_("Three letters, such as EUR."),
            aliases=("currency_code",),
        ),
        Column(
            "per_euro",
            "per_euro",
            _("Units per euro"),
            ("29845.5", "143.21"),
            target="",
            required=True,
            help=_("Not the other way round: for the US dollar about 1.1, for the yen about 170."),
            aliases=("units_per_euro", "rate", "exchange_rate", "obs_value"),
        ),
    ),
    derived=(
        Derived("day", derive.past_day("date"), needs=("date",)),
        Derived("per_euro", derive.per_euro, needs=("per_euro",)),
    ),
)
