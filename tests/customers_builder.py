"""Orders of simulated customers (tests/shops.py) in a workspace, for the pages and jobs about single customers."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Channel, Market, Order, OrderLine, Source
from tests.facts_builder import order, set_first_orders
from tests.shops import shop

AS_OF = date(2026, 3, 1)
MARKETS, CHANNELS = ("DE", "US"), ("google", "email")


def sell(
    workspace: Workspace, source: Source, size: int = 400, seed: int = 1, mixed: bool = False, **values: object
) -> list[Order]:
    """`size` customers of two years up to AS_OF: the even ones from Germany by search, the others from the US by mail.

    `mixed`: two thirds of each market's by search, a third by mail.
    """
    who = shop(np.random.default_rng(seed), size).customers
    for code in MARKETS:
        Market.objects.get_or_create(workspace=workspace, code=code)
    for code in CHANNELS:
        Channel.objects.get_or_create(workspace=workspace, code=code)
    rows: list[Order] = []
    for n in range(size):
        first = AS_OF - timedelta(days=int(who.T[n] * 7))
        offsets = sorted({round(v) for v in np.linspace(0, who.t_x[n] * 7, int(who.x[n]) + 1)})
        value = 40.0 if np.isnan(who.mean_value[n]) else float(who.mean_value[n])
        for at, days in enumerate(offsets):
            known = {
                "customer": f"c{seed}-{n}",
                "customer_ref": f"ref-{seed}-{n}",
                "market": MARKETS[n % 2],
                "channel": CHANNELS[n // 2 % 3 // 2] if mixed else CHANNELS[n % 2],
                "gross": Decimal(str(round(value, 2))),
                "cogs": Decimal(str(round(value * 0.6, 2))),
                **values,
            }
            rows.append(order(workspace, source, f"{seed}-{n}-{at}", first + timedelta(days=days), **known))
    made = Order.objects.bulk_create(rows)
    set_first_orders(workspace)
    return made


def line(order_: Order, sku: str, number: int = 1, name: str = "") -> OrderLine:
    """An unsaved line of an order."""
    return OrderLine(
        workspace=order_.workspace, source=order_.source, external_id=f"{order_.external_id}-{number}",
        order_ref=order_.external_id, sku=sku, name=name or f"Article {sku}", quantity=1, price=Decimal(10),
    )  # fmt: skip
