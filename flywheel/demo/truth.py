"""What is really so in a simulated business: the driver values and the planted loss per week × market."""

import numpy as np
import pandas as pd
from scipy.stats import beta, norm

from flywheel.demo import plants
from flywheel.demo.calendar import Calendar, Floats
from flywheel.demo.funnel import Grid, Ints, segments
from flywheel.demo.world import STAGE_RATES, World

YEAR = 365.0  # days
QUADRATURE = 200  # points over the dropout distribution


class Drivers:
    """True drivers per day × market, with or without what is planted."""

    def __init__(self, world: World, calendar: Calendar, grid: Grid, sessions: Ints, planted: bool) -> None:
        self.world, self.calendar, self.planted = world, calendar, planted
        self.cells = segments(world, calendar.days)
        self.sessions = sessions
        self.rates = grid.rates if planted else grid.rates_unplanted
        self.visits = grid.visits if planted else grid.visits_unplanted
        self.new_orders = self.visits * self.rates.prod(axis=0)
        success = grid.success if planted else np.ones_like(grid.success)
        self.repeat_success = _mean(success, self._return_weights(), (2, 3))
        self.referral_success = success[:, :, world.referral_channel].mean(axis=-1)

    def _return_weights(self) -> Floats:
        channel = np.array([channel.repeat_share for channel in self.world.channels])
        device = np.array([device.share for device in self.world.devices])
        return np.outer(channel, device)[None, None]

    def factor(self, driver: str, **more: np.ndarray) -> Floats:
        """Planted factor per day × market, weighted by new orders over channels and devices."""
        if not self.planted:
            return np.ones(self.new_orders.shape[:2])
        cells = plants.factor(self.world, self.calendar, driver, **self.cells, **more)
        return _mean(np.broadcast_to(cells, self.new_orders.shape), self.new_orders, (2, 3))

    def on_time_share(self) -> Floats:
        """Delivered by the promised date, per day × market of the order."""
        result = np.zeros(self.new_orders.shape[:2])
        for number, market in enumerate(self.world.markets):
            total = sum(carrier.share for carrier in market.carriers)
            for carrier in market.carriers:
                factor = self.factor("on_time_share", carrier=np.array(carrier.code))[:, number]
                result[:, number] += carrier.share / total * carrier.on_time_share * factor
        return result

    def unhappy_share(self) -> Floats:
        """Orders after which a customer may be lost."""
        service, late = self.world.service, 1 - self.on_time_share()
        median = service.reply_hours * self.factor("first_reply")
        slow = norm.sf(np.log(service.slow_hours / median) / service.reply_spread)
        return late + (1 - late) * service.ticket_share * slow

    def repeat_orders(self) -> Floats:
        """Expected repeat orders of a new customer within 12 months, were the day's conditions to last."""
        people = self.world.customers
        leaves = _beta_points(people.dropout_a, people.dropout_b)
        stays = (1 - leaves) * (1 - people.unhappy_loss * self.unhappy_share()[..., None])
        level = np.array([market.repeat for market in self.world.markets])[:, None]
        faithful, success = self.factor("repeat_rate")[..., None], self.repeat_success[..., None]
        bought = faithful * success
        ends = (1 - faithful) + bought * (1 - stays)  # of an attempt: the customer is lost before it, or after it
        gaps = people.rate_shape * people.rate_mean_gap
        survived = (gaps / (gaps + ends * level * YEAR)) ** people.rate_shape  # E exp(-pace × ends × T)
        return (stays * bought / ends * (1 - survived)).mean(axis=-1)

    def order_value(self) -> tuple[Floats, Floats]:
        """Net revenue and contribution of an average order, base currency, before refunds and tickets."""
        world, sale = self.world, self.calendar.discount[:, None]
        level = np.array([market.basket for market in world.markets]) * self.factor("aov")
        discount = np.where(sale > 0, sale, world.coupon_share * world.coupon)
        gross = world.basket * level
        net = gross * (1 - discount)
        commission = np.array([channel.commission for channel in world.channels])[None, None, :, None]
        kept = _mean(np.broadcast_to(commission, self.new_orders.shape), self.new_orders, (2, 3))
        tax = np.array([market.tax_rate for market in world.markets])
        costs = world.costs
        cost = gross * (costs.goods + costs.fulfilment) + net * (kept + costs.payment * (1 + tax))
        return net, net - cost

    def refund_rate(self) -> Floats:
        """Refunds as a share of net revenue."""
        service = self.world.service
        part = service.refund_full + (1 - service.refund_full) * 0.5
        chance = np.minimum(service.refund_share * self.factor("refund_rate"), 0.95)
        return chance * part

    def referrals(self, repeats: Floats) -> Floats:
        """New customers that a new customer brings within 12 months."""
        people, unhappy = self.world.customers, self.unhappy_share()
        happy = 1 - unhappy * (1 - people.unhappy_referral)
        return people.referrals * happy * self.factor("referral_rate") * self.referral_success * (1 + repeats)


def true_weeks(world: World, calendar: Calendar, grid: Grid, sessions: Ints) -> pd.DataFrame:
    """One row per week × market: drivers as they are, value per week, and what was lost to what is planted.

    `sessions`: all sessions per cell. Money is base currency per week; rates are those of the week's traffic.
    value = first_orders × customer_value ÷ (1 − referrals) − spend; planted_loss is the value without plants
    minus the value with them, so what it leaves out is only what late consequences have not reached yet.
    """
    real = _week_rows(Drivers(world, calendar, grid, sessions, planted=True), grid)
    ideal = _week_rows(Drivers(world, calendar, grid, sessions, planted=False), grid)
    real["value_unplanted"] = ideal["value"]
    real["planted_loss"] = ideal["value"] - real["value"]
    return real


def _week_rows(drivers: Drivers, grid: Grid) -> pd.DataFrame:
    weeks, markets = drivers.calendar.weeks, drivers.world.markets
    daily = _daily(drivers, grid)
    weight = drivers.new_orders.sum(axis=(2, 3))
    rows: dict[str, object] = {
        "week": np.repeat(drivers.calendar.dates()[: 7 * weeks : 7], len(markets)),
        "market": np.tile(np.array([market.code for market in markets], dtype=object), weeks),
    }
    for name in ("spend", "paid_sessions", "unpaid_sessions", "first_orders"):
        rows[name] = _by_week(daily[name], weeks).ravel()
    rows["sessions_per_spend"] = (
        _by_week(daily["paid_sessions"], weeks) / np.where(spent := _by_week(daily["spend"], weeks), spent, np.nan)
    ).ravel()
    rows |= _stage_rates(drivers, weeks)
    for name in ("aov", "margin", "refund_rate", "on_time_share", "repeat_orders", "referrals", "customer_value"):
        rows[name] = (_by_week(daily[name] * weight, weeks) / _by_week(weight, weeks)).ravel()
    rows["value"] = _by_week(daily["value"], weeks).ravel()
    return pd.DataFrame(rows)


def _daily(drivers: Drivers, grid: Grid) -> dict[str, Floats]:
    """Per day × market: the drivers of the value model and the value itself."""
    world = drivers.world
    paid = np.array([channel.cost_per_session > 0 for channel in world.channels])
    net, contribution = drivers.order_value()
    margin, refund_rate, repeats = contribution / net, drivers.refund_rate(), drivers.repeat_orders()
    referrals = drivers.referrals(repeats)
    late = 1 - drivers.on_time_share()
    tickets = world.service.ticket_share * (1 - late) + world.service.ticket_share_late * late
    customer = (margin * net * (1 - refund_rate) - world.costs.service_ticket * tickets) * (1 + repeats)
    first_orders, spend = drivers.new_orders.sum(axis=(2, 3)), grid.spend.sum(axis=2)
    return {
        "spend": spend,
        "paid_sessions": drivers.visits[:, :, paid].sum(axis=(2, 3)),
        "unpaid_sessions": drivers.visits[:, :, ~paid].sum(axis=(2, 3)),
        "first_orders": first_orders,
        "aov": net,
        "margin": margin,
        "refund_rate": refund_rate,
        "on_time_share": 1 - late,
        "repeat_orders": repeats,
        "referrals": referrals,
        "customer_value": customer,
        "value": first_orders * customer / (1 - referrals) - spend,
    }


def _stage_rates(drivers: Drivers, weeks: int) -> dict[str, Floats]:
    """The week's expected stage rates given the sessions that came."""
    flow = drivers.sessions.astype(float)
    result = {}
    for name, rate in zip(STAGE_RATES, drivers.rates, strict=True):
        ahead = flow * rate
        before = np.maximum(_by_week(flow.sum(axis=(2, 3)), weeks), 1e-12)
        result[name] = (_by_week(ahead.sum(axis=(2, 3)), weeks) / before).ravel()
        flow = ahead
    return result


def _by_week(daily: Floats, weeks: int) -> Floats:
    """Sums over complete weeks, (weeks, markets)."""
    return daily[: 7 * weeks].reshape(weeks, 7, -1).sum(axis=1)


def _mean(values: Floats, weights: Floats, axis: tuple[int, ...]) -> Floats:
    weights = np.broadcast_to(weights, values.shape)
    return (values * weights).sum(axis=axis) / np.maximum(weights.sum(axis=axis), 1e-300)


def _beta_points(a: float, b: float) -> Floats:
    """Equally likely values of a Beta distribution."""
    return beta.ppf((np.arange(QUADRATURE) + 0.5) / QUADRATURE, a, b)
