"""The cohort table of four million orders in one process, against pandas making the same.

    .venv/bin/python -m bench.cohorts --orders 4000000 --customers 600000 --rounds 5

Both get the same seeded orders of three years and must give the same customers per cohort and month. Prints seconds
(the best of `--rounds`) of `engines.cohorts.cohort_rows`, of `retention` on its rows and of pandas, and the ratio. When
own code was chosen it took 0.27 s.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from engines import cohorts

MONTHS = 36
START = np.datetime64("2023-11", "M")


def orders_of(orders: int, customers: int) -> tuple[Any, Any, Any]:
    """Customers (codes), months and amounts of seeded orders; each customer orders from a first month on."""
    rng = np.random.default_rng(7)
    who = rng.integers(0, customers, orders)
    first = rng.integers(0, MONTHS, customers)
    month = np.minimum(first[who] + rng.geometric(0.25, orders) - 1, MONTHS - 1)
    return who, START + month, rng.uniform(5, 300, orders)


def by_pandas(who: Any, month: Any, amount: Any) -> pd.DataFrame:
    """Rows (cohort, month, customers, orders, net_base) as one would write them."""
    frame = pd.DataFrame({"who": who, "month": month.astype("datetime64[s]"), "amount": amount})
    frame["cohort"] = frame.groupby("who")["month"].transform("min")
    grouped = frame.groupby(["cohort", "month"])
    return grouped.agg(customers=("who", "nunique"), orders=("who", "size"), net_base=("amount", "sum")).reset_index()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=4_000_000)
    parser.add_argument("--customers", type=int, default=600_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    given = orders_of(options.orders, options.customers)
    rows = cohorts.cohort_rows(*given)
    pd.testing.assert_frame_equal(rows, by_pandas(*given), check_dtype=False)
    as_of = (START + MONTHS).astype("datetime64[D]") - 1
    ours = _best(lambda: cohorts.cohort_rows(*given), options.rounds)
    theirs = _best(lambda: by_pandas(*given), options.rounds)
    table = _best(lambda: cohorts.retention(rows, as_of), options.rounds)
    print(f"{options.orders:,} orders of {options.customers:,} customers, {len(rows)} cells")
    print(f"cohort_rows {ours:8.3f} s\nretention   {table:8.3f} s\npandas      {theirs:8.3f} s")
    print(f"ratio: {theirs / ours:.1f} times")


def _best(step: Callable[[], Any], rounds: int) -> float:
    def once() -> float:
        began = time.perf_counter()
        step()
        return time.perf_counter() - began

    return min(once() for _round in range(rounds))


if __name__ == "__main__":
    main()
