"""What the demo's market team keeps: its own indicators, competitors' offers, a model, the roadmap, content, partners.

Drawn from a generator of its own, so that the business itself stays as it is without it.
"""

import datetime as dt
from decimal import Decimal
from itertools import pairwise

import numpy as np

from flywheel.accounts import records
from flywheel.accounts.models import User, Workspace
from flywheel.accounts.records import Kept
from flywheel.demo.norrsken import MARKETS
from flywheel.demo.workspace import EMAIL
from flywheel.facts.models import CompetitorOffer, MarketIndicator, Source
from flywheel.market.models import (
    ContentAsset,
    GatePass,
    OwnOffer,
    OwnValue,
    Partner,
    RoadmapEntry,
    ScoringModel,
    Stage,
)
from flywheel.market.spec import first_spec

SEED = 7
CANDIDATES = ("CA", "NL", "SE", "KR", "MX", "SG", "ES", "IT", "CH", "AT", "NO", "IN")
ASSESSED = ("competition_density", "platform_ecosystem", "payment_maturity", "policy_risk")
# assessed 0 to 10: competition, platforms, payment, policy risk; India is left for the reader to fill in
LEVELS = {
    "US": (9, 9.5, 9, 3), "DE": (7.5, 8.5, 8.5, 2.5), "GB": (8, 8.5, 9, 3), "FR": (7, 7.5, 8, 3),
    "JP": (6.5, 8, 7.5, 2.5), "BR": (5.5, 7, 7, 6), "AU": (6, 7, 9, 2.5), "PL": (5.5, 7.5, 8.5, 3.5),
    "CA": (6, 7.5, 9, 2.5), "NL": (6, 8, 9, 2),
    "SE": (5.5, 6.5, 9.5, 2), "KR": (7.5, 8.5, 9, 4), "MX": (4.5, 7, 5.5, 5.5), "SG": (6.5, 7.5, 9, 1.5),
    "ES": (5.5, 7, 8, 3), "IT": (5.5, 6.5, 7, 3.5), "CH": (5, 5.5, 8.5, 2.5), "AT": (5.5, 6.5, 8, 2.5),
    "NO": (5, 5, 9.5, 3.5),
}  # fmt: skip
BRANDS = ("Fjellvik", "Alpentrail", "Granite Peak", "Nordhorn", "Basecamp One", "Larch & Loft", "Summitry", "Trekka")
SOLD_SINCE = {
    "US": dt.date(2020, 3, 2), "DE": dt.date(2020, 3, 2), "GB": dt.date(2020, 9, 7), "FR": dt.date(2021, 4, 12),
    "JP": dt.date(2021, 10, 4), "AU": dt.date(2022, 2, 14), "BR": dt.date(2022, 9, 5), "PL": dt.date(2023, 9, 4),
}  # fmt: skip
OFFERED_IN = ("US", "DE", "GB", "CA", "NL")


def fill(workspace: Workspace, until: dt.date) -> None:
    """Everything of the market room, as of `until`."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    names = {"name": "Market research", "owner_team": "Market", "cadence_days": Source.Cadence.MONTHLY}
    source = Source.objects.get_or_create(workspace=workspace, slug="research", defaults=names)[0]
    _indicators(workspace, source, until)
    _offers(workspace, source, until, rng)
    user = User.objects.filter(email=EMAIL).first()
    for record in _records(workspace, until):
        records.add(record, user)
    _roadmap(workspace, until, user)


def _indicators(workspace: Workspace, source: Source, until: dt.date) -> None:
    year = until.year
    rows = [(code, key, value) for code, values in LEVELS.items() for key, value in zip(ASSESSED, values, strict=True)]
    MarketIndicator.objects.bulk_create(
        MarketIndicator(
            workspace=workspace,
            source=source,
            external_id=f"{code}|{key}|{year}",
            market=code,
            indicator=key,
            period=str(year),
            value=Decimal(str(value)),
            origin="Country desk assessment",
        )
        for code, key, value in rows
    )


def _offers(workspace: Workspace, source: Source, until: dt.date, rng: np.random.Generator) -> None:
    """Two camps: cheap and plain, dear and light; buyers review the light ones, few offer them at a middle price."""
    offers = []
    for market in OFFERED_IN:
        for at, brand in enumerate(BRANDS):
            is_premium = at % 2 == 0
            light = float(np.clip(rng.normal(8 if is_premium else 4.5, 0.8), 1, 10))
            seen = until - dt.timedelta(days=int(rng.integers(5, 90)))
            offers.append(
                CompetitorOffer(
                    workspace=workspace,
                    source=source,
                    external_id=f"{market}|{brand}|{seen}",
                    market=market,
                    name=f"{brand} 30",
                    seen_on=seen,
                    price_index=Decimal(f"{rng.normal(138 if is_premium else 82, 9):.1f}"),
                    attributes={
                        "lightness": round(light, 1),
                        "durability": round(float(np.clip(rng.normal(7, 1.4), 1, 10)), 1),
                        "design": round(float(np.clip(rng.normal(7.5 if is_premium else 5.5, 1), 1, 10)), 1),
                    },
                    reviews=int(rng.gamma(2, 700 if is_premium else 260)),
                )
            )
    CompetitorOffer.objects.bulk_create(offers)


def _records(workspace: Workspace, until: dt.date) -> list[Kept]:
    """The model, our own product, content and partners."""
    spec = first_spec((*(market.code for market in MARKETS), *CANDIDATES))
    scores = {"lightness": 7.0, "durability": 8.0, "design": 6.5}
    return [
        ScoringModel(workspace=workspace, name="Market entry", document=spec.document()),
        OwnOffer(workspace=workspace, name="Norrsken Storm 30", price_index=100, attributes=scores),
        *_values(workspace, until.year),
        *_content(workspace),
        *_partners(workspace, until),
    ]


def _values(workspace: Workspace, year: int) -> list[Kept]:
    """What the team noted beside the model, which does not score it."""
    rows = [("NL", "34.5"), ("SE", "28.1"), ("CA", "41"), ("KR", "22.6")]
    name, origin = "Hikers among adults, %", "Outdoor association, yearbook"
    return [
        OwnValue(workspace=workspace, market=m, indicator=name, period=str(year - 1), value=Decimal(v), origin=origin)
        for m, v in rows
    ]


def _content(workspace: Workspace) -> list[Kept]:
    kinds, states = ContentAsset.Kind, ContentAsset.Status
    rows = [
        ("Storm shell product page", kinds.PRODUCT_PAGE, "de", "DE", states.LIVE, "Shop"),
        ("Storm shell product page", kinds.PRODUCT_PAGE, "fr", "CA", states.TRANSLATING, "Shop"),
        ("Storm shell product page", kinds.PRODUCT_PAGE, "en", "CA", states.LIVE, "Shop"),
        ("Storm shell product page", kinds.PRODUCT_PAGE, "nl", "NL", states.REVIEW, "Shop"),
        ("Returns in 30 days", kinds.POLICY, "nl", "NL", states.LIVE, "Customer service"),
        ("Welcome series", kinds.EMAIL, "ja", "JP", states.LIVE, "E-mail"),
        ("Spring campaign film", kinds.VIDEO, "en", "US", states.LIVE, "Meta Ads, TikTok Ads"),
        ("Size guide", kinds.HELP, "ko", "KR", states.PLANNED, "Customer service"),
        ("Winter landing page 2024", kinds.LANDING_PAGE, "pt_BR", "BR", states.RETIRED, "Google Ads"),
    ]
    return [
        ContentAsset(workspace=workspace, name=n, kind=k, language=lang, market=m, status=s, used_by=u)
        for n, k, lang, m, s, u in rows
    ]


def _partners(workspace: Workspace, until: dt.date) -> list[Kept]:
    kinds, stages = Partner.Kind, Partner.Stage
    rows = [
        ("Maple Parcel", kinds.LOGISTICS, "CA", stages.SIGNED, "Ida", "First pickup in Toronto", 12),
        ("Polder Fulfilment", kinds.LOGISTICS, "NL", stages.NEGOTIATING, "Ida", "Agree on returns", 5),
        ("iDEAL through our processor", kinds.PAYMENT, "NL", stages.ACTIVE, "Jonas", "", None),
        ("Seoul Outdoor Club", kinds.CREATOR, "KR", stages.CONTACTED, "Mei", "Send samples", -4),
        ("Andes Distribución", kinds.DISTRIBUTOR, "MX", stages.FOUND, "Mei", "Ask for references", 20),
    ]
    found: list[Kept] = []
    for name, kind, market, stage, owner, step, days in rows:
        partner = Partner(workspace=workspace, name=name, kind=kind, market=market, stage=stage, owner=owner)
        partner.next_step, partner.due_on = step, None if days is None else until + dt.timedelta(days=days)
        found.append(partner)
    return found


def _roadmap(workspace: Workspace, until: dt.date, user: User | None) -> None:
    """Markets at every stage, with the gates that they passed."""
    model = ScoringModel.objects.get(workspace=workspace)
    stages = list(Stage.values)
    entries = [
        ("US", Stage.SCALED, "Jonas", None, "Our largest market."),
        *((code, Stage.SCALED, "Jonas", None, "") for code in SOLD_SINCE if code not in ("US", "PL")),
        ("PL", Stage.MVP_TEST, "Ida", 30, "Shop in Polish, InPost lockers."),
        ("CA", Stage.VALIDATED, "Ida", 45, "French pages are being translated."),
        ("NL", Stage.SCREENED, "Jonas", 60, ""),
        ("KR", Stage.CANDIDATE, "Mei", -7, "Domestic platforms dominate."),
        ("MX", Stage.CANDIDATE, "", 90, ""),
    ]
    for code, stage, owner, days, note in entries:
        target = None if days is None else until + dt.timedelta(days=days)
        entry = RoadmapEntry(workspace=workspace, market=code, stage=stage, scoring_model=model, owner=owner)
        entry.target_on, entry.note = target, note
        entry.entered_on = SOLD_SINCE.get(code)
        records.add(entry, user)
        for before, after in pairwise(stages[: stages.index(stage) + 1]):
            GatePass.objects.create(
                workspace=workspace,
                market=code,
                stage_before=before,
                stage=after,
                is_by_hand=True,
                reason="Entered before the gates were kept here.",
                user=user,
            )
