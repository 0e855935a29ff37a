"""Do the intervals hold? Simulated shops with known parameters, of several sizes and habits.

    OPENBLAS_NUM_THREADS=1 .venv/bin/python -m bench.ltv_coverage --shops 1000

Prints per setting how often the 95 % interval of a new customer's 12-month LTV holds the true one, and how often that
of the present customers' next 12 months holds what they then ordered and spent; the bar is 93 to 97 %.
"""

import argparse

import numpy as np

from engines import lifetime, ltv
from engines.results import Unavailable
from tests.shops import MARGIN, SPAN, YEAR, ledger, shop

SETTINGS = {
    "usual, 400": (400, ltv.OrderModel("bg", 0.8, 12.0, 0.8, 2.5), ltv.ValueModel(6, 4, 45)),
    "usual, 2000": (2000, ltv.OrderModel("bg", 0.8, 12.0, 0.8, 2.5), ltv.ValueModel(6, 4, 45)),
    "rare, 1000": (1000, ltv.OrderModel("bg", 0.25, 8.0, 0.8, 2.4), ltv.ValueModel(6, 4, 45)),
    "often, 200": (200, ltv.OrderModel("bg", 1.5, 8.0, 0.5, 4.0), ltv.ValueModel(3, 6, 90)),
    "mbg, 800": (800, ltv.OrderModel("mbg", 0.8, 8.0, 0.9, 1.6), ltv.ValueModel(6, 4, 45)),
}


def covered(size: int, orders: ltv.OrderModel, values: ltv.ValueModel, shops: int, seed: int) -> list[tuple[bool, ...]]:
    """Per shop with a fit: whether LTV, next year's orders and next year's value lie in their intervals."""
    truth = MARGIN * values.mean * (1 + float(lifetime.discounted_orders_of_new(orders, YEAR)))
    found = []
    for n in range(shops):
        sold = shop(np.random.default_rng((seed, n)), size, orders, values)
        who = sold.customers
        fit = ltv.fit_orders(ltv.histories(who.x, who.t_x, who.T), orders.kind)
        worth = ltv.fit_values(who.x, who.mean_value)
        if isinstance(fit, Unavailable) or isinstance(worth, Unavailable):
            continue
        margin = lifetime.margin(*ledger(np.random.default_rng((seed, n, 1)), sold, values))
        if isinstance(margin, Unavailable):
            continue
        value = lifetime.lifetime_value(fit, worth, margin, YEAR, SPAN)
        ahead = lifetime.forecast(fit, worth, who, YEAR)
        if not isinstance(value, Unavailable):
            pairs = ((value, truth), (ahead.orders, sold.orders.sum()), (ahead.value, sold.spent.sum()))
            found.append(tuple(bool(e.low <= true <= e.high) for e, true in pairs))  # type: ignore[operator]
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shops", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"{'setting':14} {'fits':>5} {'LTV':>7} {'orders':>7} {'value':>7}   (bar 93 to 97 %)")
    for name, setting in SETTINGS.items():
        found = np.array(covered(*setting, options.shops, options.seed))
        shares = "".join(f" {100 * share:6.1f}%" for share in found.mean(axis=0))
        print(f"{name:14} {len(found):5}{shares}", flush=True)


if __name__ == "__main__":
    main()
