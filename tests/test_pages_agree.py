"""One KPI has one value: wherever a page, a file or the API shows it, it is that of the KPI's own page.

Pages are read as people see them: cards that lead to a KPI, and columns of tables headed by a KPI's name, of markets,
channels or weeks. What bears a KPI's name and another value, or no link where it is a card, is found here.
"""

import csv
import datetime as dt
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from engines import weekly
from engines.kpi import KPIS, headlines
from engines.kpis.entry import STAGES
from flywheel.accounts.models import User, Workspace
from flywheel.accounts.templatetags.formats import day
from flywheel.aftersales.views import ROOM as AFTERSALES
from flywheel.conversion.room import ROOM as CONVERSION
from flywheel.conversion.value_page import FIGURES
from flywheel.demo.workspace import EMAIL
from flywheel.diagnosis import words
from flywheel.diagnosis.running import newest_week
from flywheel.market.room import ROOM as MARKET
from tests.callers import Caller

UNTIL = dt.date(2026, 3, 18)
ROOMS = (MARKET, CONVERSION, AFTERSALES)
Query = Mapping[str, str]
CHOICES: tuple[Query, ...] = ({}, {"weeks": "4", "market": "DE"}, {"weeks": "0"})
ALL_WEEKS = {"weeks": "0"}  # what the back-test of a screening is about, whatever is chosen
NAMES = {kpi.name.en: key for key, kpi in KPIS.items()} | {
    "CAC": "cac",
    "CVR": "cvr",
    "ROAS": "roas",
    "CTR": "ctr",
    "CPC": "cpc",
    "Cost per session": "cost_per_session",
    "Cart left": "cart_abandonment",
    "Checkout left": "checkout_abandonment",
    "On time by calendar date": "on_time",
    "On time by time stamp": "on_time_by_stamp",
    **{f"Within {days} days": f"repeat_rate_{days}" for days in (30, 60, 90, 180)},
}  # what a card or a column of a KPI is called: its name, and the short words of some tables
PLACES: dict[str, tuple[str, ...]] = {
    "Market": ("Market",),
    "Channel": ("Channel",),
    "Customers of": ("Market", "Channel"),
    "Device": (),  # the KPI's page knows no devices: of such tables the total alone
    "Campaign": (),
    "Week of": ("Week of",),
}  # the first heading of a table -> the tables of the KPI's page that name the same
TOTALS = {"All", "All markets", "All channels", "All campaigns", "All deliveries", "All customers"}
STEPS = {k.numerator: (k.denominator, key) for key, k in KPIS.items() if {k.numerator, k.denominator} <= STAGES}
STEPS["engaged_sessions"] = ("sessions", "engaged_share")


# --- reading a page ---------------------------------------------------------------------------------------------------
CARD_PARTS = {"fw-kpi-name", "fw-kpi-value", "fw-kpi-missing", "fw-range"}
UNSEEN = {"visually-hidden", "fw-restated-words", "fw-cell-note"}
VOID = {"br", "img", "input", "hr", "meta", "link", "wbr"}


@dataclass
class Cell:
    """What a cell or card says, piece by piece; what its tooltips say; where it leads."""

    pieces: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    href: str = ""
    is_card: bool = False

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(self.pieces)


class Page(HTMLParser):
    """The tables (rows of cells) and the KPI cards (name, value, interval and sample) of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: list[list[list[Cell]]] = []
        self.cards: list[Cell] = []
        self._into: Cell | None = None
        self._open: list[tuple[str, set[str]]] = []  # tags and their classes
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a table, row, cell or card."""
        known = {name: value or "" for name, value in attrs}
        classes = set(known.get("class", "").split())
        if tag not in VOID:
            self._open.append((tag, classes))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self._into = Cell()
            self.tables[-1][-1].append(self._into)
        elif tag == "article" and "fw-kpi" in classes:
            self._into = Cell(is_card=True)
            self.cards.append(self._into)
        if self._into is not None and tag == "a":
            self._into.href = known.get("href", "")
        if self._into is not None and classes & {"fw-estimate", "fw-missing"} and "title" in known:
            self._into.titles.append(_plain(known["title"]))

    def handle_endtag(self, tag: str) -> None:
        """Close it."""
        while self._open and self._open.pop()[0] != tag:
            pass
        if tag in {"td", "th", "article"}:
            self._into = None

    def handle_data(self, data: str) -> None:
        """Text that people see, into the cell or card that is open."""
        if self._into is None or not data.strip():
            return
        classes = {name for _tag, found in self._open for name in found}
        if any(tag == "svg" for tag, _classes in self._open) or classes & UNSEEN:
            return
        if not self._into.is_card or classes & CARD_PARTS:
            self._into.pieces.append(_plain(data))


def _plain(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True)
class Shown:
    """A KPI as its own page says it; `value` is the reason where there is none."""

    value: str
    interval: str = ""
    sample: str = ""

    def is_said_by(self, cell: Cell) -> bool:
        """Whether the cell says this value, and of interval and sample nothing else than this."""
        if self.value.startswith("not available"):
            return self.value in {cell.text, *cell.titles}
        rest = {self.interval, self.sample, f"{self.interval} · {self.sample}"}
        tooltips = {f"95 % interval {self.interval}; {self.sample}", self.sample}
        return cell.pieces[:1] == [self.value] and {*cell.pieces[1:]} <= rest and {*cell.titles} <= tooltips


@dataclass
class Reader:
    """Somebody who opens pages of the demo, each of them once."""

    client: Client
    pages: dict[str, Page] = field(default_factory=dict)

    def open(self, name: str, args: tuple[str, ...] = (), query: Query | None = None) -> Page:
        """A page."""
        address = reverse(name, args=["demo", *args], query=query or None)
        if address not in self.pages:
            response = self.client.get(address)
            assert response.status_code == 200, address
            self.pages[address] = Page(response.content.decode())
        return self.pages[address]

    def rows(self, name: str, *args: str, **query: str) -> list[dict[str, str]]:
        """A CSV file's rows."""
        content = self.client.get(reverse(name, args=["demo", *args]), query).content
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))

    def figure(self, key: str, query: Query) -> Shown:
        """A KPI as the card of its own page says it."""
        _name, value, *rest = self.open("kpi", (key,), query).cards[0].pieces
        interval, _dot, sample = "".join(rest).rpartition(" · ")
        return Shown(value, interval, sample)

    def places(self, key: str, heading: str, query: Query) -> dict[str, Shown]:
        """A KPI by market, channel or week, by the names that its own page gives these."""
        tables = (t for t in self.open("kpi", (key,), query).tables if t[0][0].text == heading)
        return {row[0].pieces[0]: Shown(*(cell.text for cell in row[1:4])) for row in next(tables, [])[1:]}


# --- what a page says of KPIs -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Said:
    """A KPI as a page says it, and as its own page does (None: it does not)."""

    key: str
    where: str
    cell: Cell
    own: Shown | None

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return self.own is not None and self.own.is_said_by(self.cell)


def said_on(reader: Reader, page: Page, query: Query) -> Iterator[Said]:
    """Everything that a page says of KPIs."""
    for card in page.cards:
        if key := NAMES.get(card.pieces[0]):
            linked = dict(parse_qsl(urlsplit(card.href).query))
            own = reader.figure(key, linked) if f"/kpis/{key}/" in card.href else None
            yield Said(key, "card", Cell(card.pieces[1:]), own)
    for table in page.tables:
        yield from _said_in(reader, table, query)


def _said_in(reader: Reader, table: list[list[Cell]], query: Query) -> Iterator[Said]:
    head = [cell.text for cell in table[0]]
    headings = PLACES.get(head[0])
    if headings is None:
        return
    for at, key in ((at, NAMES[name]) for at, name in enumerate(head) if name in NAMES and name != "Sessions"):
        own = {name: shown for h in headings for name, shown in reader.places(key, h, query).items()}
        for row in table[1:]:
            if len(row) == len(head) and (headings or row[0].text in TOTALS):
                place = row[0].pieces[0].rpartition(" · ")[2]  # of a channel in a market its own name
                shown = reader.figure(key, query) if place in TOTALS else own.get(place)
                yield Said(key, f"{head[0]} {place}", _cell(head, row, at), shown)


def _cell(head: list[str], row: list[Cell], at: int) -> Cell:
    """The cell; with the interval and sample beside it, where these are columns of their own."""
    if "Interval (95 %)" not in head[at + 1 : at + 2]:
        return row[at]
    return Cell([piece for cell in row[at : at + 3] for piece in cell.pieces])


def said_in_funnel(reader: Reader, page: Page, query: Query) -> Iterator[Said]:
    """The steps of the overview's funnel that are KPIs."""
    (table,) = (t for t in page.tables if t[0][0].text == "Stage")
    stages = {str(label): stage for stage, label in words.STAGES.items()}
    shown = [stages[row[0].text] for row in table[1:]]
    for before, stage, row in zip(shown, shown[1:], table[2:], strict=False):
        below, key = STEPS.get(stage, ("", ""))
        own = reader.figure(key, query) if below == before else Shown("not available")
        if not own.value.startswith("not available"):  # the funnel draws steps of few sessions too
            yield Said(key, f"funnel {stage}", Cell([row[2].text, row[3].text]), own)


# --- the business -----------------------------------------------------------------------------------------------------
@pytest.fixture
def demo(settings: Settings, tmp_path: Path, empty_queue: None) -> Iterator[Reader]:
    """The owner of a small demo business, on the morning after its last day."""
    settings.VAR_DIR, settings.UPLOAD_DIR = tmp_path, tmp_path / "uploads"
    with time_machine.travel(dt.datetime.combine(UNTIL, dt.time(8), dt.UTC) + dt.timedelta(days=1)):
        call_command("load_demo", "--orders", "6000", stdout=io.StringIO())
        client = Client(headers={"Accept-Language": "en"})
        client.force_login(User.objects.get(email=EMAIL))
        yield Reader(client)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_kpi_says_the_same_wherever_it_is_shown(demo: Reader) -> None:
    Workspace.objects.filter(slug="demo").update(language="en")
    _every_tab_says_what_the_kpis_pages_say(demo)  # loading takes seconds: once for all that is said of it
    _the_weekly_review_says_what_the_kpis_pages_say(demo)
    _files_say_what_the_kpis_files_say(demo)
    _the_api_says_what_the_kpis_files_say(demo)


def _every_tab_says_what_the_kpis_pages_say(demo: Reader) -> None:
    told = [
        (tab, query, said)
        for query in CHOICES
        for room in ROOMS
        for tab, _label in room.tabs
        for said in _tab_says(demo, tab, (room.engine,) if tab == "engine" else (), query)
    ]
    wrong = [f"{tab} {query}: {said}" for tab, query, said in told if not said.agrees]
    assert not wrong, f"{len(wrong)} of {len(told)}\n" + "\n".join(wrong[:40])
    assert {said.key for _tab, _query, said in told} >= {kpi.key for kpi in headlines()} | {*FIGURES}
    assert len(told) > 1_000


def _tab_says(demo: Reader, tab: str, args: tuple[str, ...], query: Query) -> Iterator[Said]:
    page = demo.open(tab, args, query)
    yield from said_on(demo, page, ALL_WEEKS if tab == "market-screening" else query)
    if args == ("conversion",):
        yield from said_in_funnel(demo, page, query)


def _the_weekly_review_says_what_the_kpis_pages_say(demo: Reader) -> None:
    newest = newest_week(Workspace.objects.get(slug="demo"))
    assert newest is not None
    weeks = [day(newest - dt.timedelta(weeks=ago)) for ago in range(weekly.RECENT)][::-1]
    (review,) = (t for t in demo.open("flywheel").tables if t[0][0].text == "KPI")
    compared = 0
    for row in (r for r in review[1:] if r[0].pieces[0] in NAMES and len(r) == len(review[0])):
        own = demo.places(NAMES[row[0].pieces[0]], "Week of", {})
        for week, cell in zip(weeks, row[1:-4], strict=True):
            if week in own:  # a week without a value is not in the line
                assert own[week].is_said_by(cell), (row[0].text, week, cell)
                compared += 1
    assert compared > 3 * len(headlines())


def _files_say_what_the_kpis_files_say(demo: Reader) -> None:
    values = {row["Market"]: row for row in demo.rows("conversion-table", "order-values", "csv")}
    for key in FIGURES:
        name = KPIS[key].name.en
        own = {row["Market"]: row for row in demo.rows("kpi-export", key, "markets", "csv")}
        for market, row in values.items():
            parts = [row[f"{name}{part}"] for part in ("", ", lower limit", ", upper limit", ", sample")]
            known = [name, "Lower bound (95 %)", "Upper bound (95 %)", "Sample"]
            if own[market][name]:
                numbers = [float(own[market][column]) for column in known]
                assert [float(part) for part in parts] == pytest.approx(numbers)
            else:
                assert parts == [""] * 4
    channels = {row["Channel"]: row for row in demo.rows("market-channels-file", "csv")}
    for column, key in (("CAC", "cac"), ("ROAS", "roas"), ("CTR", "ctr"), ("CPC", "cpc")):
        for row in demo.rows("kpi-export", key, "channels", "csv"):
            if row["Code"]:
                here, own_page = channels[row["Channel"]][column], row[KPIS[key].name.en]
                assert (here and float(here)) == (own_page and pytest.approx(float(own_page)))


def _the_api_says_what_the_kpis_files_say(demo: Reader) -> None:
    workspace = Workspace.objects.get(slug="demo")
    week = newest_week(workspace)
    caller = Caller(workspace, ["metrics:read"])
    for key, kpi in KPIS.items():
        told = caller.get(f"kpis/{key}", from_=week, market="DE").json()["weeks"][-1]
        own = demo.rows("kpi-export", key, "weeks", "csv", market="DE")[-1]
        assert told["week"] == own["Week of"]
        columns = {"value": kpi.name.en, "low": "Lower bound (95 %)", "high": "Upper bound (95 %)"}
        for part, column in columns.items():
            assert told[part] == (pytest.approx(float(own[column])) if own[column] else None), (key, part)
