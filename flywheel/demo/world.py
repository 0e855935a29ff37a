"""What a simulated business is: its markets, channels, devices, customers, promotions and what is planted in it.

Everything is frozen and plain, so that one generator serves the demo and hundreds of random worlds. Nothing here
knows of Django. Rates are 0-1, money is in the base currency, times are in days unless the name says otherwise.
"""

from dataclasses import dataclass
from typing import Literal

STAGE_RATES = (
    "engaged_share",
    "product_view_rate",
    "cart_rate",
    "cart_view_rate",
    "checkout_rate",
    "payment_attempt_rate",
    "payment_rate",
)  # the share of the stage before that goes on, in the order of the journey
STAGES = (
    "sessions",
    "engaged_sessions",
    "product_views",
    "carts",
    "cart_views",
    "checkouts",
    "payment_attempts",
    "payments",
)
DRIVER_ENGINE = {
    "sessions_per_spend": "market",
    "engaged_share": "market",
    "product_view_rate": "conversion",
    "cart_rate": "conversion",
    "cart_view_rate": "conversion",
    "checkout_rate": "conversion",
    "payment_attempt_rate": "conversion",
    "payment_rate": "conversion",
    "aov": "conversion",
    "refund_rate": "aftersales",
    "repeat_rate": "aftersales",
    "on_time_share": "aftersales",
    "first_reply": "aftersales",
    "referral_rate": "aftersales",
}  # every driver that something can be planted in, and the engine that answers for it
Shape = Literal["sudden", "creeping", "always"]


@dataclass(frozen=True)
class Carrier:
    """A carrier of a market: its share of orders, promised days, and share delivered by the promised date."""

    code: str
    share: float
    promise_days: int
    on_time_share: float


@dataclass(frozen=True)
class Market:
    """A market. `share` is its part of all sessions; `conversion`, `basket`, `repeat` and `media_price` are relative.

    `units_per_base` is the price of one unit of base currency, used when no dated rates are given.
    """

    code: str
    name: str
    currency: str
    time_zone: str
    share: float
    carriers: tuple[Carrier, ...]
    methods: tuple[tuple[str, float], ...]
    ad_currency: str = "EUR"
    units_per_base: float = 1.0
    tax_rate: float = 0.2
    conversion: float = 1.0
    basket: float = 1.0
    repeat: float = 1.0
    media_price: float = 1.0
    growth: float = 0.0  # per year, beside the world's


@dataclass(frozen=True)
class Channel:
    """A channel. `share`: part of new visitors' sessions; `engaged` and `intent` are relative to the world's rates.

    `cost_per_session` 0 is unpaid; `repeat_share` is its part of returning customers' visits; `commission` is a
    share of the order's value kept by the channel. A `closed` channel's customers come back through it.
    """

    code: str
    name: str
    kind: str
    share: float
    cost_per_session: float = 0.0
    engaged: float = 1.0
    intent: float = 1.0
    repeat_share: float = 0.0
    commission: float = 0.0
    closed: bool = False
    campaigns: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Device:
    """A device class: its share of sessions and its rates relative to the world's."""

    code: str
    share: float
    cart: float = 1.0
    checkout: float = 1.0
    payment: float = 1.0


@dataclass(frozen=True)
class Promotion:
    """A yearly sale of `days` from (month, day), or from the Monday before Black Friday when `starts` is None."""

    name: str
    starts: tuple[int, int] | None
    days: int
    discount: float
    lift: float  # relative cart rate while it lasts
    traffic: float = 1.0  # relative sessions while it lasts


@dataclass(frozen=True)
class Holiday:
    """Days of a market, from (month, day) each year, on which `traffic` times the usual demand comes."""

    market: str
    starts: tuple[int, int]
    days: int
    traffic: float


@dataclass(frozen=True)
class Outage:
    """Rows of one table that never came, or are late: those of `weeks` weeks from `onset_week` (as `Plant` counts).

    `kind` is the table (traffic, spend, refunds ...); an empty `market` is every market.
    """

    kind: str
    onset_week: int
    weeks: int = 1
    market: str = ""


@dataclass(frozen=True)
class Plant:
    """Something that goes wrong: `driver` becomes `size` times what it was, in the segment named, from `onset_week`.

    `onset_week` counts complete weeks from the first one (0); negative counts back from the last complete week
    (-10: the last ten weeks). An empty filter is everywhere. `creeping` reaches its size after `ramp_weeks`.
    For `refund_rate` and `first_reply` (hours) a size above 1 is worse, for every other driver below 1.
    """

    driver: str
    size: float
    onset_week: int = 0
    shape: Shape = "sudden"
    market: str = ""
    channel: str = ""
    device: str = ""
    carrier: str = ""
    method: str = ""
    ramp_weeks: int = 8

    def __post_init__(self) -> None:
        if self.driver not in DRIVER_ENGINE:
            raise ValueError(f"unknown driver {self.driver!r}: expected one of {', '.join(DRIVER_ENGINE)}")
        if self.size <= 0:
            raise ValueError(f"size of a plant must be above 0, not {self.size}")

    @property
    def engine(self) -> str:
        """The engine that answers for the driver."""
        return DRIVER_ENGINE[self.driver]


@dataclass(frozen=True)
class Customers:
    """How customers come back: purchase rates ~ Gamma, dropout after every order ~ Beta (MBG/NBD).

    `unhappy_loss`: share of customers lost for good when an order was late or a ticket stayed unanswered.
    `referrals`: new customers that a happy order brings; `unhappy_referral` is an unhappy order's part of that.
    """

    rate_shape: float = 1.4
    rate_mean_gap: float = 55.0  # days between orders while active, at the mean rate
    dropout_a: float = 4.0
    dropout_b: float = 1.9
    unhappy_loss: float = 0.35
    referrals: float = 0.075
    unhappy_referral: float = 0.25
    referral_delay: float = 30.0  # mean days from delivery to the friend's order
    same_device: float = 0.85


@dataclass(frozen=True)
class Service:
    """After the sale: shares of orders that are reviewed, ask, are refunded."""

    review_share: float = 0.17
    ticket_share: float = 0.075
    ticket_share_late: float = 0.30
    proactive_share: float = 0.12
    reply_hours: float = 5.0  # median
    reply_spread: float = 0.9  # sd of its logarithm
    slow_hours: float = 24.0  # a reply later than this loses customers as a late parcel does
    refund_share: float = 0.055  # of delivered orders
    refund_full: float = 0.6  # of refunds are of the whole order
    cancelled_share: float = 0.008


@dataclass(frozen=True)
class Costs:
    """What an order costs, as shares of its list price unless named otherwise."""

    goods: float = 0.40
    fulfilment: float = 0.11
    payment: float = 0.026  # of the amount paid
    service_ticket: float = 4.5  # base currency per ticket, not in the facts


@dataclass(frozen=True)
class World:
    """A business. `orders` is about how many it has over its whole time, `weeks` how many complete weeks."""

    name: str
    markets: tuple[Market, ...]
    channels: tuple[Channel, ...]
    devices: tuple[Device, ...]
    promotions: tuple[Promotion, ...] = ()
    plants: tuple[Plant, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    outages: tuple[Outage, ...] = ()
    customers: Customers = Customers()
    service: Service = Service()
    costs: Costs = Costs()
    orders: int = 200_000
    weeks: int = 104
    base_currency: str = "EUR"
    time_zone: str = "Europe/Berlin"
    rates: tuple[float, ...] = (0.62, 0.78, 0.125, 0.86, 0.62, 0.76, 0.93)  # STAGE_RATES of the average slice
    basket: float = 82.0  # mean list value of an order, base currency
    coupon_share: float = 0.12  # of orders outside promotions
    coupon: float = 0.10
    shipping: float = 4.9
    free_shipping_from: float = 75.0
    growth: float = 0.06  # per year
    annual_swing: float = 0.07  # amplitude of the yearly wave of demand
    traffic_noise: float = 0.05  # sd of the logarithm of sessions, per day × market × channel
    rate_noise: float = 0.006  # sd of the logarithm of a stage rate, per week × market
    spend_noise: float = 0.04  # sd of the logarithm of spend, per day × market × channel
    saturation: float = 0.92  # sessions grow with spend to this power

    def __post_init__(self) -> None:
        for name in ("markets", "channels", "devices"):
            codes = [item.code for item in getattr(self, name)]
            if not codes or len(set(codes)) != len(codes):
                raise ValueError(f"{name} of a world must have different codes, not {codes}")
        if not any(channel.repeat_share for channel in self.channels):
            raise ValueError("at least one channel must have a repeat_share")
        for plant in self.plants:
            _check_filters(self, plant)
        named = {item.market for item in self.holidays} | {item.market for item in self.outages}
        if strangers := named - {"", *self.codes}:
            raise ValueError(f"a holiday or outage names the unknown market {min(strangers)!r}")

    @property
    def codes(self) -> tuple[str, ...]:
        """The markets' codes."""
        return tuple(market.code for market in self.markets)

    @property
    def referral_channel(self) -> int:
        """The index of the channel through which friends of customers come; -1 when the world has none."""
        kinds = [channel.kind for channel in self.channels]
        return kinds.index("referral") if "referral" in kinds else -1


def _check_filters(world: World, plant: Plant) -> None:
    known = {
        "market": {market.code for market in world.markets},
        "channel": {channel.code for channel in world.channels},
        "device": {device.code for device in world.devices},
        "carrier": {carrier.code for market in world.markets for carrier in market.carriers},
        "method": {method for market in world.markets for method, _ in market.methods},
    }
    for name, codes in known.items():
        value = getattr(plant, name)
        if value and value not in codes:
            raise ValueError(f"plant names the unknown {name} {value!r}")
    if plant.carrier and plant.driver != "on_time_share":
        raise ValueError("only on_time_share can be planted in a carrier")
    if plant.method and plant.driver != "payment_rate":
        raise ValueError("only payment_rate can be planted in a payment method")
