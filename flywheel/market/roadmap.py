"""The gates of the entry roadmap: what each stage asks for, checked from data, and how a market passes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from math import isnan, nan
from typing import Any

import pandas as pd
from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engines import channels
from engines.channels import SOLD
from engines.results import Estimate
from flywheel.accounts import records
from flywheel.accounts.models import User, Workspace
from flywheel.accounts.templatetags.formats import number, percent
from flywheel.diagnosis.running import newest_week
from flywheel.facts.calendar import today
from flywheel.facts.models import CompetitorOffer
from flywheel.market.models import ContentAsset, GatePass, Partner, RoadmapEntry, ScoringModel, Stage
from flywheel.market.screening import Row, screen
from flywheel.market.spec import Spec, first_spec
from flywheel.measures import frames

STAGES = list(Stage.values)
KNOWN_WEIGHT = 0.7  # of the score: the first gate is not passed on size, growth and logistics alone
TOP_SHARE = 0.5  # a market that leads under half of the weights leads whatever the weights
OFFERS = 3  # that were looked at: the price level and the leader cannot be told from fewer
OFFER_DAYS = 180  # in half a year prices and offers have moved on
TALKED_TO = (Partner.Stage.CONTACTED, Partner.Stage.NEGOTIATING, Partner.Stage.SIGNED, Partner.Stage.ACTIVE)
SIGNED = (Partner.Stage.SIGNED, Partner.Stage.ACTIVE)
TEST_WEEKS = 13
NEW_CUSTOMERS = 30  # below it the cost of a customer has an interval of a third to either side
RETURN = 1.0  # contribution per unit of spend: the test carries itself


@dataclass(frozen=True)
class Criterion:
    """One thing that a gate asks for; `met` is None when the data does not tell.

    `known`: the share of net revenue (0-1) whose costs are known, where the value rests on these.
    """

    key: str
    met: bool | None
    value: float | None
    needed: float
    known: float | None = None

    @property
    def words(self) -> str:
        """What is asked for."""
        return str(_WORDS[self.key]) % {"needed": _shown(self.key, self.needed)}

    @property
    def found(self) -> str:
        """What there is."""
        if self.value is None:
            return _("not known")
        value = _shown(self.key, self.value)
        if self.known is None or self.known >= 1:
            return value
        words = {"value": value, "share": percent(self.known, 0)}
        return _("%(value)s (costs known for %(share)s of revenue)") % words


_WORDS: dict[str, str | Promise] = {
    "score": gettext_lazy("Score of at least %(needed)s of 100"),
    "coverage": gettext_lazy("At least %(needed)s of the score’s weight is known"),
    "stability": gettext_lazy("Leads under at least %(needed)s of varied weights"),
    "offers": gettext_lazy("Competitor offers seen in the last half year: at least %(needed)s"),
    "talked": gettext_lazy("Partners talked to: at least %(needed)s"),
    "owner": gettext_lazy("An owner is named"),
    "content": gettext_lazy("Localised content that is live: at least %(needed)s"),
    "signed": gettext_lazy("Partners signed: at least %(needed)s"),
    "customers": gettext_lazy("New customers in the last 13 weeks: at least %(needed)s"),
    "return": gettext_lazy("Contribution ÷ spend of the last 13 weeks: at least %(needed)s"),
}
_RATES = frozenset({"coverage", "stability"})


def _shown(key: str, value: float) -> str:
    if key in _RATES:
        return percent(value, 0)
    if key == "owner":
        return _("yes") if value else _("no")
    return number(100 * value, 1) if key == "score" else number(value, 2 if key == "return" else 0)


@dataclass(frozen=True)
class Gate:
    """The way from one stage to the next."""

    stage: str
    criteria: tuple[Criterion, ...]

    @property
    def is_open(self) -> bool:
        """Whether all that it asks for is met."""
        return all(c.met for c in self.criteria)

    @property
    def met(self) -> int:
        """How much of it is met."""
        return sum(c.met is True for c in self.criteria)

    @property
    def label(self) -> str:
        """The stage that it leads to."""
        return str(Stage(self.stage).label)


@dataclass(frozen=True)
class Trial:
    """What a market's last weeks brought, NaN where not known: new customers, and contribution ÷ spend.

    Contribution is that of all orders at the margin of those that tell their costs; `known` is their share of revenue.
    """

    customers: float = nan
    returned: float = nan
    known: float = nan


@dataclass(frozen=True)
class Evidence:
    """What the data says of all markets on the roadmap; one query each, however many markets."""

    scored: Mapping[int | None, tuple[Spec, Mapping[str, Row]]]
    default: int | None
    offers: Mapping[str, int]
    talked: Mapping[str, int]
    signed: Mapping[str, int]
    content: Mapping[str, int]
    tests: Mapping[str, Trial]  # by market

    def row(self, entry: RoadmapEntry) -> tuple[Spec, Row | None]:
        """An entry's model and score."""
        key = entry.scoring_model_id if entry.scoring_model_id in self.scored else self.default
        spec, rows = self.scored[key]
        return spec, rows.get(entry.market)


def gather(workspace: Workspace, entries: list[RoadmapEntry]) -> Evidence:
    """Everything that the gates of these entries ask for."""
    models = list(ScoringModel.objects.filter(workspace=workspace))
    default = models[0].pk if models else None
    wanted: dict[int | None, set[str]] = {default: set()}
    for entry in entries:
        wanted.setdefault(entry.scoring_model_id or default, set()).add(entry.market)
    specs = {m.pk: Spec.of(m.document) for m in models}
    since = today(workspace) - timedelta(days=OFFER_DAYS)
    offers = CompetitorOffer.objects.filter(workspace=workspace, seen_on__gte=since)
    partners = Partner.objects.filter(workspace=workspace)
    live = ContentAsset.objects.filter(workspace=workspace, status=ContentAsset.Status.LIVE)
    return Evidence(
        {key: _scored(workspace, specs.get(key or 0), codes) for key, codes in wanted.items()},
        default,
        dict(offers.values_list("market").annotate(n=Count("name", distinct=True))),
        _counts(partners.filter(stage__in=TALKED_TO)),
        _counts(partners.filter(stage__in=SIGNED)),
        _counts(live),
        _tests(workspace),
    )


def _counts(found: QuerySet[Any]) -> dict[str, int]:
    return dict(Counter(found.values_list("market", flat=True)))


def _scored(workspace: Workspace, spec: Spec | None, codes: set[str]) -> tuple[Spec, Mapping[str, Row]]:
    """A model over its own markets and those of the roadmap, so that a rank is one among all."""
    spec = spec or first_spec(())
    spec = spec.with_markets((*spec.markets, *sorted(codes)))
    return spec, {row.market: row for row in screen(workspace, spec).rows}


def _tests(workspace: Workspace) -> dict[str, Trial]:
    """Market -> what its last weeks brought; the return is of the weeks whose revenue and spend are known."""
    week = newest_week(workspace)
    if week is None:
        return {}
    span, keys = (week - timedelta(weeks=TEST_WEEKS - 1), week), ["week", "market"]
    sold = frames.conversion(workspace, keys, *span)[[*keys, "first_orders", *SOLD]]
    both = sold.merge(frames.market(workspace, keys, *span)[[*keys, "cost_base"]], how="left", on=keys)
    return {str(market): _trial(rows) for market, rows in both.groupby("market")}


def _trial(weeks: pd.DataFrame) -> Trial:
    told = weeks.dropna(subset=["net_base", "cost_base"])
    sums = {name: float(told[name].sum(min_count=1)) for name in ("cost_base", *SOLD)}
    return Trial(
        float(weeks["first_orders"].sum(min_count=1)),
        channels.brought(sums) / sums["cost_base"] if sums["cost_base"] > 0 else nan,
        sums["costed_net_base"] / sums["net_base"] if sums["net_base"] > 0 else nan,
    )


def next_gate(entry: RoadmapEntry, evidence: Evidence) -> Gate | None:
    """The gate before an entry; None when it has come all the way."""
    at = STAGES.index(entry.stage)
    if at + 1 == len(STAGES):
        return None
    stage = STAGES[at + 1]
    return Gate(stage, tuple(_CHECKS[stage](entry, evidence)))


def _screened(entry: RoadmapEntry, evidence: Evidence) -> list[Criterion]:
    spec, row = evidence.row(entry)
    score = row.score.value if row and isinstance(row.score, Estimate) else None
    return [
        _least("score", score, spec.min_score),
        _least("coverage", row.coverage if row else None, KNOWN_WEIGHT),
        _least("stability", row.top_share if row else None, TOP_SHARE),
    ]


def _validated(entry: RoadmapEntry, evidence: Evidence) -> list[Criterion]:
    return [
        _least("offers", evidence.offers.get(entry.market, 0), OFFERS),
        _least("talked", evidence.talked.get(entry.market, 0), 1),
    ]


def _tested(entry: RoadmapEntry, evidence: Evidence) -> list[Criterion]:
    return [
        _least("content", evidence.content.get(entry.market, 0), 1),
        _least("signed", evidence.signed.get(entry.market, 0), 1),
        _least("owner", float(bool(entry.owner)), 1),
    ]


def _scaled(entry: RoadmapEntry, evidence: Evidence) -> list[Criterion]:
    trial = evidence.tests.get(entry.market, Trial())
    known = None if isnan(trial.known) else trial.known
    return [_least("customers", trial.customers, NEW_CUSTOMERS), _least("return", trial.returned, RETURN, known)]


_CHECKS = {
    Stage.SCREENED.value: _screened,
    Stage.VALIDATED.value: _validated,
    Stage.MVP_TEST.value: _tested,
    Stage.SCALED.value: _scaled,
}


def _least(key: str, value: float | None, needed: float, known: float | None = None) -> Criterion:
    if value is None or isnan(value):
        return Criterion(key, None, None, needed)
    return Criterion(key, value >= needed, float(value), needed, known)


class GateError(Exception):
    """A stage that cannot be changed to; the message says why."""


def move(entry: RoadmapEntry, stage: str, reason: str, user: User | None) -> GatePass:
    """Change an entry's stage: forward through one gate, or back. Raises GateError, or records.StaleError.

    A gate that is not open, and any way back, needs a reason; who, when, why and how the criteria stood is kept.
    """
    gate = next_gate(entry, gather(entry.workspace, [entry]))
    is_forward = gate is not None and gate.stage == stage
    if not is_forward and stage not in STAGES[: STAGES.index(entry.stage)]:
        raise GateError(_("A market goes forward one stage at a time."))
    is_by_hand = not (is_forward and gate and gate.is_open)
    if is_by_hand and not reason.strip():
        raise GateError(_("Say why, since what the gate asks for is not all met."))
    before = entry.stage
    with transaction.atomic():
        entry.stage = stage
        records.change(entry, user)
        return GatePass.objects.create(
            workspace=entry.workspace,
            market=entry.market,
            stage_before=before,
            stage=stage,
            is_by_hand=is_by_hand,
            reason=reason.strip(),
            criteria=[asdict(c) for c in gate.criteria] if is_forward and gate else [],
            user=user,
        )
