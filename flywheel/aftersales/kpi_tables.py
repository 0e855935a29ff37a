"""Tables of KPIs by market: all markets first, then the largest, each with its interval and sample."""

from collections.abc import Mapping, Sequence

import numpy as np
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from engines import weekly
from engines.kpi import KPIS
from engines.panel import sum_known
from flywheel.aftersales.asking import Ask
from flywheel.aftersales.tables import Column, Table, Value, known
from flywheel.diagnosis.engine_pages import Loaded


def market_label(names: Mapping[str, str], code: str) -> str:
    """A market's name for people."""
    return names.get(code) or code or _("unknown")


def span_of(loaded: Loaded, key: str) -> int:
    """The weeks that a KPI is taken over: the period's, at least the KPI's own."""
    return max(loaded.weeks, KPIS[key].window)


def sums_over(loaded: Loaded, measure: str, span: int) -> np.ndarray:
    """A measure per market over the `span` weeks up to the last; NaN not known."""
    return loaded.panel.window(measure, loaded.last - span + 1, loaded.last)


def sum_over(loaded: Loaded, measure: str, span: int) -> float:
    """The measure over the chosen market, or all."""
    each = sums_over(loaded, measure, span)
    return float(each[loaded.market] if loaded.market is not None else sum_known(each[:, None])[0])


def kpi_table(ask: Ask, key: str, title: str, count: tuple[str, str], kpis: Sequence[str], note: str = "") -> Table:
    """A row per market: `count` (measure, heading) and the KPIs, all over the longest of their windows."""
    measure, heading = count
    loaded, language, names = ask.loaded, get_language() or "en", ask.names["market"]
    span = max(span_of(loaded, k) for k in kpis)
    each = sums_over(loaded, measure, span)
    found = [weekly.by_market(KPIS[k], loaded.panel, loaded.last, span) for k in kpis]
    rows: list[list[Value]] = [
        [market_label(names, code), known(float(each[at])), *(f[at] for f in found)]
        for at, code in sorted(enumerate(loaded.panel.markets), key=lambda pair: -float(np.nan_to_num(each[pair[0]])))
        if loaded.market in (None, at) and not np.isnan(each[at])
    ]
    if loaded.market is None and len(rows) > 1:
        total = float(sum_known(each[:, None])[0])
        rows.insert(0, [_("All markets"), known(total), *(f[len(loaded.panel.markets)] for f in found)])
    columns = (
        Column(_("Market"), "code"),
        Column(heading),
        *(Column(KPIS[k].name.get(language), "result") for k in kpis),
    )
    return Table(key, title, columns, rows, note)
