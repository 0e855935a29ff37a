"""What the engines' pages show: KPIs of the chosen weeks and market, their chart, and the tables behind it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import numpy as np
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from engines import business as measures
from engines import weekly
from engines.kpi import KPIS, Kpi, headlines
from engines.panel import Panel, sum_known
from engines.results import Estimate, Result
from flywheel.accounts.models import Workspace
from flywheel.accounts.templatetags.formats import day, reading
from flywheel.diagnosis import charts, restatements
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.diagnosis.running import HISTORY, load_business
from flywheel.facts.calendar import last_complete_week
from flywheel.facts.models import Rollup
from flywheel.measures import frames
from flywheel.measures.restating import Restated, restated

PERIODS = (4, 13, 26, 52, 104)
DEFAULT_WEEKS = 13
ALL = 0  # every week there is
COUNTS = {str(weeks): weeks for weeks in (*PERIODS, ALL)}  # of weeks, as an address says them
TREND_WEEKS = 104
COHORT_MONTHS = 14
READ_BY = {
    "market": (Rollup.MARKET, Rollup.CONVERSION),
    "conversion": (Rollup.CONVERSION,),
    "aftersales": (Rollup.AFTERSALES,),
}  # the roll-ups that an engine's weekly lines are made of


@dataclass(frozen=True)
class Choice:
    """What the reader looks at: the newest week, how many weeks back (0: all), which market ('' for all)."""

    week: date
    weeks: int
    market: str
    complete: date  # the newest week that is over by the calendar

    @classmethod
    def parse(cls, query: Mapping[str, str], workspace: Workspace, week: date) -> "Choice":
        """The choice in the address; what it says wrongly falls back to the default."""
        count = COUNTS.get(query.get("weeks", ""), DEFAULT_WEEKS)
        code = query.get("market", "")
        return cls(week, count, code if code in frames.markets(workspace) else "", last_complete_week(workspace))

    @property
    def first(self) -> date | None:
        """The first week of the period; None for all weeks."""
        return self.week - timedelta(weeks=self.weeks - 1) if self.weeks else None

    @property
    def last(self) -> date:
        """The last week of the period; all weeks also hold what came after the newest traffic, orders and spend."""
        return self.week if self.weeks else max(self.week, self.complete)

    @property
    def query(self) -> str:
        """The choice as an address says it, so that the page it leads to is about the same."""
        return urlencode({"weeks": self.weeks, "market": self.market, "week": self.week.isoformat()})

    @property
    def where(self) -> dict[str, str]:
        """The market as a filter of measures."""
        return {"market": self.market} if self.market else {}


def choices(workspace: Workspace) -> dict[str, Any]:
    """What can be chosen: periods, and the markets that have measures."""
    names = place_names(workspace)["market"]
    labels = [(n, _("%(n)s weeks") % {"n": n}) for n in PERIODS]
    return {
        "periods": [*labels, (ALL, _("All weeks"))],
        "markets": [(code, names.get(code) or code) for code in frames.markets(workspace) if code],
    }


@dataclass(frozen=True)
class Loaded:
    """The measures behind a page: the panel of all weeks and the position of the chosen market in it."""

    panel: Panel
    market: int | None
    weeks: int  # the period's length within the panel
    restated: tuple[Restated, ...]  # of the weeks that the weekly lines show
    business: measures.Business
    choice: Choice

    @property
    def last(self) -> int:
        """Position of the newest week."""
        return len(self.panel.weeks) - 1


def load(workspace: Workspace, choice: Choice, channels: bool = False) -> Loaded:
    """The panel up to the chosen week; its business tells `channels` apart where asked to."""
    history = HISTORY if choice.weeks else None
    business = load_business(workspace, choice.last, facets=False, history=history, channels=channels)
    span = business.weeks()
    end = np.datetime64(choice.week, "D") if choice.weeks else _newest(business, choice.week)
    start = span[0] if span else end
    panel = measures.panel(business, min(start, end), end)
    position = panel.markets.index(choice.market) if choice.market and choice.market in panel.markets else None
    shown = restated(workspace, choice.week - timedelta(weeks=TREND_WEEKS - 1), choice.week)
    return Loaded(
        panel, position, min(choice.weeks or len(panel.weeks), len(panel.weeks)), tuple(shown), business, choice
    )


def by_channel(loaded: Loaded) -> Loaded:
    """The same weeks with channels in the place of markets, of the chosen market."""
    business = loaded.business.by_channel(loaded.choice.market)
    panel = measures.panel(business, loaded.panel.weeks[0], loaded.panel.weeks[-1])
    return Loaded(panel, None, loaded.weeks, (), business, loaded.choice)


def by_channel_in_market(loaded: Loaded) -> Loaded:
    """The same weeks with every channel of every market (`engines.business.place`) in the place of markets."""
    business = loaded.business.by_channel_in_market()
    panel = measures.panel(business, loaded.panel.weeks[0], loaded.panel.weeks[-1])
    return Loaded(panel, None, loaded.weeks, (), business, loaded.choice)


def _newest(business: measures.Business, week: date) -> np.datetime64:
    """The last week of any order or of what came after one, at least `week`."""
    known = [frame["week"].max() for frame in (business.conversion, business.aftersales) if len(frame)]
    return max([np.datetime64(week, "D"), *(np.datetime64(day, "D") for day in known)])


def kpi_cards(workspace: Workspace, engine: str, loaded: Loaded) -> list[dict[str, Any]]:
    """The cards of the engine's headline KPIs."""
    return cards_of(workspace, headlines(engine), loaded)


def cards_of(workspace: Workspace, entries: Iterable[Kpi], loaded: Loaded) -> list[dict[str, Any]]:
    """One card per KPI: its value over the period, the change from the period before, and its year."""
    language = get_language() or "en"
    cards = []
    for entry in entries:
        span = max(loaded.weeks, entry.window)
        now = weekly.result_at(entry, loaded.panel, loaded.last, loaded.market, span)
        year = range(max(loaded.last - 51, 0), loaded.last + 1)
        line = weekly.series(entry, loaded.panel, year, loaded.market).results()
        cards.append(
            {
                "name": entry.name.get(language),
                "definition": entry.definition.get(language),
                "result": now,
                "currency": workspace.base_currency,
                "change": change_before(entry, loaded, span, now),
                "href": f"{reverse('kpi', args=[workspace.slug, entry.key])}?{loaded.choice.query}",
                "better": entry.direction,
                "values": [r.value if isinstance(r, Estimate) else None for r in line],
                "engine": entry.engine,
            }
        )
    return cards


def change_before(entry: Kpi, loaded: Loaded, span: int, now: Result) -> float | None:
    """Relative change from the period of the same length before; None where the data does not reach back.

    Points, which may be below zero, have none.
    """
    if loaded.last - 2 * span + 1 < 0 or entry.unit == "points":
        return None
    before = weekly.result_at(entry, loaded.panel, loaded.last - span, loaded.market, span)
    return weekly.relative_change(before, now)


def kpi_trend(workspace: Workspace, key: str, loaded: Loaded) -> dict[str, Any] | None:
    """The weekly line of one KPI with its interval, as a chart with its table; None when no week is known.

    It begins with the first known week; a later one that is missing is a gap in the line, and the table says why.
    """
    entry = KPIS[key]
    name = entry.name.get(get_language() or "en")
    positions = range(max(loaded.last - TREND_WEEKS + 1, 0), loaded.last + 1)
    results = weekly.series(entry, loaded.panel, positions, loaded.market).results()
    known = [at for at, r in enumerate(results) if isinstance(r, Estimate)]
    if not known:
        return None
    results = results[known[0] :]
    weeks = [str(loaded.panel.weeks[p]) for p in positions[known[0] :]]
    currency = workspace.base_currency
    unit = {"rate": "percent", "money": currency, "money_per": currency}.get(entry.unit, "number")
    texts = [reading(r, currency) for r in results]
    end = known[-1] - known[0]
    return {
        "id": f"trend-{key}",
        "title": _("%(kpi)s per week") % {"kpi": name},
        "summary": _("From %(first)s in the week of %(start)s to %(last)s in the week of %(end)s.")
        % {"first": texts[0].text, "start": shown_day(weeks[0]), "last": texts[end].text, "end": shown_day(weeks[end])},
        "figure": charts.band_figure(weeks, results, unit, entry.engine),
        "columns": [_("Week of"), name, _("Interval (95 %)"), _("Sample")],
        "rows": [
            [heading, t.text, t.interval, t.sample]
            for heading, t in reversed(list(zip(_headings(workspace, entry, loaded, weeks), texts, strict=True)))
        ],
    }


def _headings(workspace: Workspace, entry: Kpi, loaded: Loaded, weeks: list[str]) -> list[str]:
    """The weeks of a KPI's line, marked where what it is made of was restated; a line of cohorts is not."""
    rollups = () if entry.denominator.startswith(_AGEING) else READ_BY[entry.engine]
    return marked(workspace, loaded, weeks, rollups)


_AGEING = ("matured", "due_", "costed")  # measures of those who have reached an age


def marked(workspace: Workspace, loaded: Loaded, weeks: list[str], rollups: Sequence[str]) -> list[str]:
    found = [r for r in loaded.restated if r.rollup in rollups]
    marks = restatements.marks(found, workspace.base_currency, of_all_markets=loaded.market is not None)
    return [restatements.heading(shown_day(w), marks.get(date.fromisoformat(w), "")) for w in weeks]


def shown_day(text: str) -> str:
    return day(date.fromisoformat(text))


def period_sums(loaded: Loaded, names: tuple[str, ...], market_position: int | None = None) -> dict[str, float]:
    position = loaded.market if market_position is None else market_position
    sums = {}
    for name in names:
        per_market = loaded.panel.window(name, loaded.last - loaded.weeks + 1, loaded.last)
        sums[name] = float(per_market[position] if position is not None else sum_known(per_market[:, None])[0])
    return sums


def by_market(workspace: Workspace, loaded: Loaded, kpis: tuple[str, ...], counts: tuple[str, ...]) -> dict[str, Any]:
    """A table of markets: counts over the period and KPIs, largest first count first."""
    names, language = place_names(workspace)["market"], get_language() or "en"
    rows: list[dict[str, Any]] = []
    for position, code in enumerate(loaded.panel.markets):
        if loaded.market is not None and position != loaded.market:
            continue
        sums = period_sums(loaded, counts, position)
        spans = [max(loaded.weeks, KPIS[k].window) for k in kpis]
        results = [
            weekly.result_at(KPIS[k], loaded.panel, loaded.last, position, span)
            for k, span in zip(kpis, spans, strict=True)
        ]
        rows.append(
            {
                "code": code,
                "name": names.get(code) or code or _("unknown"),
                "counts": list(sums.values()),
                "results": results,
            }
        )
    rows.sort(key=lambda r: -float(np.nan_to_num(r["counts"][0])))
    return {"rows": rows, "kpi_names": [KPIS[k].name.get(language) for k in kpis]}
