"""The generator: a world and a seed in, a business's files and the truth about it out."""

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd

from flywheel.demo import aftercare, frames, goods
from flywheel.demo.calendar import Calendar, build_calendar
from flywheel.demo.community import community_tables
from flywheel.demo.customers import Population, Purchases
from flywheel.demo.funnel import Grid, Ints, build_grid, new_visitors, visits_behind
from flywheel.demo.goods import Rates
from flywheel.demo.outages import without_outages
from flywheel.demo.truth import true_weeks
from flywheel.demo.world import World

PILOT_ORDERS = 20_000  # first orders of the trial run that tells how many orders follow from one


def generate(world: World, seed: int, until: dt.date, rates: Rates | None = None) -> dict[str, pd.DataFrame]:
    """A business's history up to and with the day `until`, the same for the same arguments.

    Frames have the columns of the generic templates (orders, order_lines, customers, payments, refunds, traffic,
    spend, reviews, tickets, and what `community` adds); `truth` tells per week × market what is really so (see
    `truth.true_weeks`).
    `rates`: currency -> units per unit of base currency, per day of the world; prices follow them monthly. Without
    them each market's constant rate counts.
    """
    calendar = build_calendar(world, until)
    tables = core_tables(world, seed, calendar, rates)
    return without_outages(world, calendar, tables | community_tables(world, calendar, tables, seed))


def core_tables(world: World, seed: int, calendar: Calendar, rates: Rates | None = None) -> dict[str, pd.DataFrame]:
    """The tables of `generate` without those that `community` adds, outages not yet taken out."""
    streams = np.random.Generator(np.random.PCG64(seed)).spawn(4)
    grid = build_grid(world, calendar, streams[0], _scale(world, calendar, seed))
    counts, orders = _visit_and_buy(world, calendar, grid, streams[1])
    tables = _sales(world, calendar, orders, rates or {}, streams[2])
    tables["traffic"] = frames.traffic_frame(world, calendar, counts)
    sessions = counts[0].sum(axis=-1)
    tables["spend"] = frames.spend_frame(world, calendar, grid, sessions, rates or {}, streams[3])
    tables["truth"] = true_weeks(world, calendar, grid, counts[0])
    return tables


def _scale(world: World, calendar: Calendar, seed: int) -> float:
    """The size of the traffic that leads to about `world.orders` orders, from a trial run."""
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    unit = build_grid(world, calendar, rng, 1.0).first_orders()
    pilot = build_grid(world, calendar, rng, PILOT_ORDERS / unit)
    _, orders = _visit_and_buy(world, calendar, pilot, rng)
    return world.orders / (unit * len(orders) / pilot.first_orders())


def _visit_and_buy(world: World, calendar: Calendar, grid: Grid, rng: np.random.Generator) -> tuple[Ints, Purchases]:
    """Stage counts per cell, and the orders they end in, sorted by time with customers numbered as they came."""
    fresh = new_visitors(grid, rng)
    orders = Population(world, calendar, grid, rng).play(fresh[-1])
    back = (orders.number > 0) | (orders.wave > 0)
    cell = np.ravel_multi_index(
        (orders.time.astype(np.int64), orders.market, orders.channel, orders.device), fresh.shape[1:]
    )
    returning = np.bincount(cell[back], minlength=fresh[0].size).reshape(fresh.shape[1:])
    return fresh + visits_behind(returning, grid, rng), _sorted(orders)


def _sorted(orders: Purchases) -> Purchases:
    orders = orders.take(np.argsort(orders.time, kind="stable"))
    first_seen = np.unique(orders.customer, return_index=True)[1]
    rank = np.empty(len(first_seen), dtype=np.int64)
    rank[np.argsort(first_seen, kind="stable")] = np.arange(len(first_seen))
    return dataclasses.replace(orders, customer=rank[orders.customer])


def _sales(
    world: World, calendar: Calendar, orders: Purchases, rates: Rates, rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """Orders and all that hangs on them."""
    moments = frames.place_in_time(world, calendar, orders, rng)
    lines, money = goods.fill_baskets(world, calendar, orders, rates, rng)
    methods = frames.payment_methods(world, calendar, orders, rng)
    state = aftercare.draw_states(world, orders, moments, rng)
    refunds = aftercare.draw_refunds(world, calendar, orders, moments, state, rng)
    units = np.bincount(lines.order, weights=lines.quantity, minlength=len(orders)).astype(np.int64)
    shown = state.copy()
    shown[refunds.order[refunds.part == 1.0]] = "returned"
    facts = frames.orders_frame(world, orders, money, moments, methods, shown, units)
    return {
        "orders": facts,
        "order_lines": frames.lines_frame(world, lines, facts),
        "customers": frames.customers_frame(facts),
        "payments": frames.payments_frame(facts),
        "refunds": aftercare.refunds_frame(refunds, facts, money, rng),
        "reviews": aftercare.reviews_frame(world, orders, facts, moments, rng),
        "tickets": aftercare.tickets_frame(world, orders, facts, moments, rng),
    }
