"""Random businesses with something planted in them, or nothing: what the diagnosis is proved on.

A seed makes a world: 3 to 12 markets of very unequal size, promotions, holidays, growth, weeks that never came, late
data. Everything is drawn before the plant, so that the same seed with and without it differs in nothing else.
"""

import dataclasses
import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flywheel.demo.calendar import Calendar, build_calendar
from flywheel.demo.generate import core_tables
from flywheel.demo.norrsken import CHANNELS, DEVICES, PROMOTIONS
from flywheel.demo.outages import without_outages
from flywheel.demo.world import (
    Carrier,
    Channel,
    Customers,
    Holiday,
    Market,
    Outage,
    Plant,
    Promotion,
    Service,
    World,
)

UNTIL = dt.date(2026, 11, 18)  # a Wednesday; the newest complete week begins on LAST
LAST = np.datetime64("2026-11-09")
SMALLEST = 0.012  # share of a market
WINDOW = 4  # weeks that the diagnosis calls "now"; the planted loss is their mean
MARKETS: tuple[tuple[str, str, str, float, tuple[str, ...]], ...] = (
    ("US", "USD", "America/New_York", 1.12, ("card", "paypal", "klarna")),
    ("DE", "EUR", "Europe/Berlin", 1.0, ("paypal", "klarna", "card")),
    ("GB", "GBP", "Europe/London", 0.85, ("card", "paypal")),
    ("FR", "EUR", "Europe/Paris", 1.0, ("card", "paypal")),
    ("JP", "JPY", "Asia/Tokyo", 170.0, ("card", "konbini", "paypal")),
    ("BR", "BRL", "America/Sao_Paulo", 6.1, ("pix", "card", "boleto")),
    ("AU", "AUD", "Australia/Sydney", 1.65, ("card", "paypal")),
    ("PL", "PLN", "Europe/Warsaw", 4.3, ("blik", "card")),
    ("CA", "CAD", "America/Toronto", 1.5, ("card", "paypal")),
    ("ES", "EUR", "Europe/Madrid", 1.0, ("card", "bizum")),
    ("SE", "SEK", "Europe/Stockholm", 11.2, ("klarna", "card")),
    ("MX", "MXN", "America/Mexico_City", 19.5, ("card", "oxxo")),
    ("KR", "KRW", "Asia/Seoul", 1480.0, ("card", "kakaopay")),
    ("AE", "AED", "Asia/Dubai", 4.1, ("card", "cod")),
)  # code, currency, zone, units per base, payment methods
STAGE_PLANTS = (
    "engaged_share",
    "product_view_rate",
    "cart_rate",
    "cart_view_rate",
    "checkout_rate",
    "payment_attempt_rate",
    "payment_rate",
)
JOURNEY_SEGMENTS = ("all", "market", "channel", "device", "market+device", "market+channel")
SEGMENTS = {
    **dict.fromkeys((*STAGE_PLANTS, "aov"), JOURNEY_SEGMENTS),
    "sessions_per_spend": ("all", "market", "channel", "market+channel"),
    "refund_rate": ("all", "market", "channel"),
    "repeat_rate": ("all", "market"),
    "on_time_share": ("all", "market", "carrier"),
    "first_reply": ("all", "market"),
    "referral_rate": ("all", "market"),
    "method": ("market+method", "method"),
}  # where each driver can be planted, as far as a business's facts could tell
SIZES = {
    "refund_rate": (1.4, 6.0),
    "first_reply": (2.0, 20.0),
    "on_time_share": (0.9, 0.35),
    "repeat_rate": (0.93, 0.35),
    "referral_rate": (0.85, 0.1),
    "method": (0.8, 0.1),
}  # from barely visible to glaring; other drivers as OTHER_SIZES
OTHER_SIZES = (0.95, 0.5)
DIFFER = frozenset({"sessions_per_spend", "aov", "cart_rate", "repeat_rate"})  # between markets, by their nature
SHAPES = {"sudden": 0.5, "creeping": 0.3, "always": 0.2}


@dataclass(frozen=True)
class Case:
    """A world to diagnose. `with_goals`: the business has goals, without which its weakness could not be known."""

    seed: int
    world: World
    with_goals: bool = False

    @property
    def plant(self) -> Plant | None:
        """What is planted."""
        return self.world.plants[0] if self.world.plants else None

    @property
    def sound(self) -> "Case":
        """The same business with nothing planted."""
        return dataclasses.replace(self, world=dataclasses.replace(self.world, plants=()))


def planted(seed: int) -> Case:
    """A world with one weak link. What was always so everywhere, or could as well be the market's nature, has goals."""
    rng = np.random.Generator(np.random.PCG64([seed, 7]))
    world = _world(seed)
    plant = _plant(world, rng)
    everywhere = not (plant.market or plant.carrier)
    unknowable = plant.shape == "always" and (everywhere or plant.driver in DIFFER)
    return Case(seed, dataclasses.replace(world, plants=(plant,)), with_goals=unknowable)


def null(seed: int) -> Case:
    """A world with nothing planted; one in ten has goals."""
    return Case(seed, _world(seed), with_goals=seed % 10 == 0)


def full(seed: int) -> Case:
    """A sound world of 12 markets, 8 channels and 104 weeks, for the cost of one diagnosis."""
    rng = np.random.Generator(np.random.PCG64([seed, 8]))
    markets = tuple(_market(rng, told, 1 / 12) for told in MARKETS[:12])
    plain = dataclasses.replace(_world(seed), holidays=(), outages=())
    return Case(seed, dataclasses.replace(plain, markets=markets, channels=CHANNELS, devices=DEVICES, weeks=104))


def tables_of(case: Case, chance: int = 0) -> dict[str, pd.DataFrame]:
    """All facts of the world, and the truth about it; another `chance` gives the same business other luck."""
    calendar = _calendar(case.world)
    return without_outages(case.world, calendar, core_tables(case.world, case.seed + chance, calendar))


def _calendar(world: World) -> Calendar:
    return build_calendar(world, UNTIL)


def truth_now(truth: pd.DataFrame) -> pd.DataFrame:
    """Per market, weekly means of the truth over the weeks that the diagnosis calls "now"."""
    recent = truth.loc[truth["week"] > pd.Timestamp(LAST) - pd.Timedelta(weeks=WINDOW)]
    return recent.drop(columns="week").groupby("market").mean()


# --- the business -----------------------------------------------------------------------------------------------------
def _world(seed: int) -> World:
    rng = np.random.Generator(np.random.PCG64([seed, 6]))
    markets = _markets(rng)
    return World(
        name=f"world {seed}",
        markets=markets,
        channels=_channels(rng),
        devices=DEVICES[: rng.integers(2, 4)],
        promotions=_promotions(rng),
        holidays=_holidays(rng, markets),
        outages=_outages(rng, markets),
        customers=Customers(
            rate_mean_gap=rng.uniform(40, 80),
            dropout_b=rng.uniform(1.5, 3.0),
            unhappy_loss=rng.uniform(0.25, 0.5),
            referrals=rng.uniform(0.05, 0.11),
        ),
        service=Service(
            ticket_share=rng.uniform(0.06, 0.2), reply_hours=rng.uniform(3, 8), refund_share=rng.uniform(0.03, 0.1)
        ),
        orders=round(np.exp(rng.uniform(np.log(70_000), np.log(200_000)))),
        weeks=int(rng.integers(104, 118)),
        basket=rng.uniform(50, 140),
        growth=rng.uniform(-0.15, 0.6),
        annual_swing=rng.uniform(0.03, 0.2),
        rate_noise=rng.uniform(0.004, 0.015),
        traffic_noise=rng.uniform(0.03, 0.09),
    )


def _markets(rng: np.random.Generator) -> tuple[Market, ...]:
    count = int(rng.integers(3, 13))
    size = np.exp(rng.normal(0, 1.0, count))
    chosen = rng.permutation(len(MARKETS))[:count]
    shares = np.maximum(size / size.sum(), SMALLEST)
    return tuple(_market(rng, MARKETS[at], share) for at, share in zip(chosen, shares, strict=True))


def _market(rng: np.random.Generator, told: tuple[str, str, str, float, tuple[str, ...]], share: float) -> Market:
    code, currency, zone, units, methods = told
    weights = rng.dirichlet(np.full(len(methods), 4.0))
    count = int(rng.integers(1, 4))
    parts = rng.dirichlet(np.full(count, 5.0))
    days = int(rng.integers(3, 13))
    carriers = tuple(
        Carrier(f"{code.lower()}_{'abc'[n]}", float(parts[n]), days + n, float(rng.uniform(0.9, 0.96)))
        for n in range(count)
    )
    return Market(
        code, code, currency, zone, float(share), carriers,
        tuple((name, float(w)) for name, w in zip(methods, weights, strict=True)),
        ad_currency=currency, units_per_base=units, tax_rate=float(rng.uniform(0, 0.24)),
        conversion=float(np.exp(rng.normal(0, 0.07))), basket=float(np.exp(rng.normal(0, 0.12))),
        repeat=float(np.exp(rng.normal(0, 0.05))), media_price=float(np.exp(rng.normal(0, 0.25))),
        growth=float(rng.normal(0, 0.08)),
    )  # fmt: skip


def _channels(rng: np.random.Generator) -> tuple[Channel, ...]:
    """Between five and eight: two that are paid for, referral, e-mail and direct always."""
    kept = {"google_ads", "meta_ads", "email", "referral", "direct"}
    others = [c.code for c in CHANNELS if c.code not in kept]
    kept |= set(rng.permutation(others)[: rng.integers(0, len(others) + 1)])
    price = rng.uniform(0.7, 1.1)
    return tuple(
        dataclasses.replace(c, share=c.share * np.exp(rng.normal(0, 0.3)), cost_per_session=c.cost_per_session * price)
        for c in CHANNELS
        if c.code in kept
    )


def _promotions(rng: np.random.Generator) -> tuple[Promotion, ...]:
    start, days = (int(rng.integers(1, 13)), 10), int(rng.integers(3, 10))
    own = Promotion("own", start, days, rng.uniform(0.05, 0.2), rng.uniform(1.05, 1.3), rng.uniform(1.0, 1.4))
    return (*(p for p in PROMOTIONS if rng.random() < 0.7), own)


def _holidays(rng: np.random.Generator, markets: tuple[Market, ...]) -> tuple[Holiday, ...]:
    return tuple(_holiday(rng, market.code) for market in markets if rng.random() < 0.6)


def _holiday(rng: np.random.Generator, market: str) -> Holiday:
    start = (int(rng.integers(1, 13)), int(rng.integers(1, 22)))
    return Holiday(market, start, int(rng.integers(2, 9)), rng.uniform(0.4, 0.9))


def _outages(rng: np.random.Generator, markets: tuple[Market, ...]) -> tuple[Outage, ...]:
    """Weeks that never came, and, in some worlds, refunds or one market's traffic of the last week that are late."""
    found = []
    for kind in ("traffic", "spend", "refunds"):
        if rng.random() < 0.3:
            market = str(rng.choice([m.code for m in markets])) if rng.random() < 0.7 else ""
            found.append(Outage(kind, int(rng.integers(5, 95)), int(rng.integers(1, 4)), market))
    if rng.random() < 0.2:
        found.append(Outage(str(rng.choice(["traffic", "refunds"])), -1, 1, str(rng.choice([m.code for m in markets]))))
    return tuple(found)


# --- the plant --------------------------------------------------------------------------------------------------------
def _plant(world: World, rng: np.random.Generator) -> Plant:
    driver = str(rng.choice(list(SEGMENTS)))
    shape = str(rng.choice(list(SHAPES), p=list(SHAPES.values())))
    if driver == "method" and shape == "always":
        shape = "sudden"  # what a method should bring nobody knows who never saw it whole
    where = _where(world, driver, shape, rng)
    low, high = SIZES.get(driver, OTHER_SIZES)
    size = float(np.exp(np.log(low) + rng.random() * (np.log(high) - np.log(low))))
    onset = -int(rng.integers(4, 37)) if shape == "sudden" else -int(rng.integers(14, 31))
    ramp = int(rng.integers(6, 13))
    name = "payment_rate" if driver == "method" else driver
    return Plant(name, size, onset, shape, ramp_weeks=ramp, **where)  # type: ignore[arg-type]


def _where(world: World, driver: str, shape: str, rng: np.random.Generator) -> dict[str, str]:
    """The segment of the plant. What was always so in a channel or on a device of every market has no reference."""
    kinds = [k for k in SEGMENTS[driver] if shape != "always" or k in {"all", "carrier"} or k.startswith("market")]
    kind = str(rng.choice(kinds))
    sizes = np.array([m.share for m in world.markets])
    market = world.markets[int(rng.choice(len(sizes), p=sizes / sizes.sum()))]  # the large ones matter more often
    where = {"market": market.code} if "market" in kind else {}
    if "channel" in kind:
        paid = [c.code for c in world.channels if c.cost_per_session > 0 or driver != "sessions_per_spend"]
        where["channel"] = str(rng.choice([code for code in paid if code != "referral"]))
    if "device" in kind:
        where["device"] = str(rng.choice([d.code for d in world.devices[:2]]))
    if "carrier" in kind:
        where["carrier"] = str(rng.choice([c.code for c in market.carriers]))
    if "method" in kind:
        where["method"] = str(rng.choice([name for name, _ in market.methods]))
    return where
