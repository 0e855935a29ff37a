"""What a scoring model says: its dimensions with indicators and bounds, its weights, and which markets it is about.

A model is kept as one plain document, so that a change of any part of it is one version that can be taken back.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from flywheel.market.indicators import INDICATORS

DIMENSIONS = {
    "size": _("Market size"),
    "growth": _("Growth"),
    "competition": _("Competition density"),
    "platform": _("Platform ecosystem"),
    "logistics": _("Logistics maturity"),
    "payment": _("Payment maturity"),
    "policy": _("Policy risk"),
}
FIRST_INDICATORS = {
    "size": ("gdp", "population"),
    "growth": ("gdp_growth",),
    "competition": ("competition_density",),
    "platform": ("platform_ecosystem",),
    "logistics": ("lpi",),
    "payment": ("payment_maturity",),
    "policy": ("policy_risk",),
}  # what a new model begins with; the table serves size, growth and logistics
MOST_DIMENSIONS = 12  # 66 pairwise judgements; people tire long before
MOST_INDICATORS = 40
MIN_COVERAGE = 0.4  # of the weight; the three dimensions that the table serves are 3/7 of equal weights
TOP = 3
MIN_SCORE = 0.5  # of the gate to "screened"


class Method(models.TextChoices):
    """Where the weights come from."""

    EQUAL = "equal", _("Equal weights")
    HAND = "hand", _("By hand")
    ENTROPY = "entropy", _("By entropy: what tells the markets apart weighs more")
    AHP = "ahp", _("By pairwise judgements (AHP)")


@dataclass(frozen=True)
class Indicator:
    """An indicator as a model uses it."""

    key: str
    low: float
    high: float
    is_cost: bool = False
    is_log: bool = False
    own_first: bool = True

    @classmethod
    def first(cls, key: str) -> "Indicator":
        """With the bounds that a new model begins with; 0 to 10 for one that only the workspace knows."""
        known = INDICATORS.get(key)
        return cls(key, known.low, known.high, known.is_cost, known.is_log) if known else cls(key, 0, 10)


@dataclass(frozen=True)
class Dimension:
    """A dimension: the mean of its known indicators. `name` is '' for one of the seven, which are translated."""

    key: str
    indicators: tuple[Indicator, ...]
    name: str = ""

    @property
    def label(self) -> str:
        """Its name, in the reader's language if it is one of the seven."""
        return self.name or str(DIMENSIONS.get(self.key, self.key))


@dataclass(frozen=True)
class Spec:
    """A whole model. `weights` are by dimension and sum to 1; `pairs` ("size|growth" -> 3.0) are the judgements.

    Entropy weights are worked out when they are saved (`weighed_on`, from `weighed_markets` markets) and then stay, so
    that a market more or less changes no other's score.
    """

    dimensions: tuple[Dimension, ...]
    weights: Mapping[str, float]
    method: str = Method.EQUAL
    markets: tuple[str, ...] = ()
    pairs: Mapping[str, float] = field(default_factory=dict)
    confirmed: bool = False  # judgements that contradict each other more than Saaty's tenth
    ratio: float | None = None  # the consistency ratio of the judgements that gave the weights
    weighed_on: str = ""
    weighed_markets: int = 0
    top: int = TOP
    min_coverage: float = MIN_COVERAGE
    min_score: float = MIN_SCORE

    @property
    def keys(self) -> tuple[str, ...]:
        """The dimensions' keys, in order."""
        return tuple(d.key for d in self.dimensions)

    @property
    def indicators(self) -> tuple[Indicator, ...]:
        """All indicators, in the order of the dimensions."""
        return tuple(i for d in self.dimensions for i in d.indicators)

    def document(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Spec":
        """From what is kept."""
        dimensions = tuple(
            Dimension(d["key"], tuple(Indicator(**i) for i in d["indicators"]), d["name"])
            for d in document["dimensions"]
        )
        return cls(**{**document, "dimensions": dimensions, "markets": tuple(document["markets"])})

    def with_markets(self, codes: tuple[str, ...]) -> "Spec":
        """The same model about other markets; its weights stay."""
        return replace(self, markets=tuple(dict.fromkeys(codes)))


def first_spec(markets: tuple[str, ...]) -> Spec:
    """The seven dimensions with what the table can serve, weighing the same."""
    dimensions = tuple(Dimension(key, tuple(Indicator.first(i) for i in FIRST_INDICATORS[key])) for key in DIMENSIONS)
    return Spec(dimensions, {d.key: 1 / len(dimensions) for d in dimensions}, markets=markets)
