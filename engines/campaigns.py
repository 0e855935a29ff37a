"""Advertising by campaign: what each costs, how many see and click it, and its share of the spend.

CTR and CPC are the KPIs of those names, of each campaign and of all together.
"""

from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd

from engines import kpi
from engines.kpi import KPIS
from engines.panel import sum_known
from engines.results import Result

COUNTS = ("cost_base", "impressions", "clicks")
RATES = ("ctr", "cpc")


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign of a channel over a period, or all of them. Money in base currency, NaN where not known.

    `share`: of the known spend of all campaigns (0-1).
    """

    channel: str
    campaign: str
    cost_base: float
    impressions: float
    clicks: float
    share: float
    ctr: Result
    cpc: Result


def campaigns(sums: pd.DataFrame) -> tuple[tuple[Campaign, ...], Campaign | None]:
    """Each row of `sums` (columns channel, campaign and the measures of a period) as a campaign, and all together.

    The second is None where there is no row.
    """
    if sums.empty:
        return (), None
    names = dict.fromkeys((*COUNTS, *(m for key in RATES for m in KPIS[key].measures)))
    each = {name: sums[name].to_numpy(dtype=np.float64) for name in names}
    with_all = {name: np.append(values, sum_known(values[:, None])[0]) for name, values in each.items()}
    ctr, cpc = (kpi.figures(KPIS[key], with_all) for key in RATES)
    cost, impressions, clicks = (with_all[name].tolist() for name in COUNTS)
    total = cost[-1]
    codes = [*zip(sums["channel"], sums["campaign"], strict=True), ("", "")]
    found = [
        Campaign(
            *codes[at], cost[at], impressions[at], clicks[at], cost[at] / total if total > 0 else nan, ctr[at], cpc[at]
        )
        for at in range(len(codes))
    ]
    return tuple(found[:-1]), found[-1]
