"""What is known of markets: investments, indicators, competitors' offers."""

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from flywheel.facts import models as facts
from flywheel.intake import derive
from flywheel.intake.derive import Derived
from flywheel.intake.kinds.base import (
    Column,
    Kind,
    NamedColumns,
    count,
    currency,
    long_text,
    market,
    money,
    number,
    text,
)
from flywheel.intake.vocabulary import ENGINE, INVESTMENT_KIND

MOST_ATTRIBUTES = 6  # of an offer; a positioning map shows two

INVESTMENTS = Kind(
    slug="investments",
    label=_("Investments"),
    help=_("One row per month, engine, market and kind: what was put into an engine beside advertising by day."),
    model=facts.Investment,
    key=("month", "engine", "market", "kind", "name"),
    key_separator="|",
    columns=(
        Column("month", "month", _("Month"), ("2026-03", "2026-03"), target="", required=True, aliases=("date",)),
        text(
            "engine",
            _("Engine"),
            "market",
            "aftersales",
            target="",
            required=True,
            choice=ENGINE,
            help=_("Which of the three engines it was for."),
            aliases=("department", "Motor", "moteur"),
        ),
        market(),
        text(
            "kind",
            _("Kind of investment"),
            "people",
            "tools",
            target="",
            required=True,
            choice=INVESTMENT_KIND,
            aliases=("type", "investment_type", "Art", "类型"),
        ),
        money("amount", _("Amount"), "3200.00", "450.00", required=True, aliases=("investment", "budget")),
        currency(required=True),
        long_text(
            "name",
            _("What for"),
            "local team",
            "help desk",
            help=_("Tells several of one month, engine, market and kind apart."),
            aliases=("description", "purpose", "item"),
        ),
    ),
    derived=(
        Derived("month", derive.month_of("month"), needs=("month",)),
        Derived("fx_rate", derive.fx_rate("month"), needs=("currency",)),
    ),
)

MARKET_INDICATORS = Kind(
    slug="market_indicators",
    label=_("Market indicators"),
    help=_("One row per market, indicator and period: what is known of a market that you sell to or might."),
    model=facts.MarketIndicator,
    key=("market", "indicator", "period"),
    key_separator="|",
    columns=(
        market(required=True),
        long_text(
            "indicator",
            _("Indicator"),
            "online retail, billion EUR",
            "retail growth, %",
            required=True,
            help=_("With its unit; written the same in every row."),
            aliases=("metric", "Indikator", "indicateur", "指标名称"),
        ),
        text(
            "period",
            _("Year or period"),
            "2025",
            "2026-Q1",
            required=True,
            help=_("Such as 2025, 2026-Q1 or 2026-03."),
            aliases=("year", "Jahr", "Zeitraum", "année", "période", "年份", "期间"),
        ),
        Column(
            "value", "signed_number", _("Value"), ("88.3", "-1.4"), required=True, aliases=("Wert", "valeur", "数值")
        ),
        long_text(
            "origin",
            _("Where the figure is from"),
            "national statistics office",
            "trade association",
            aliases=("source", "reference", "Quelle", "数据来源"),
        ),
    ),
)

_PAIRS = tuple((f"attribute_{n}", f"score_{n}") for n in range(1, MOST_ATTRIBUTES + 1))

COMPETITOR_OFFERS = Kind(
    slug="competitor_offers",
    label=_("Competitor offers"),
    help=_(
        "One row per offer of a competitor on the day it was looked at. Each attribute that you score is a column of "
        "its own, because that is how offers are compared on a sheet: “score: design”, “score: durability” ..."
    ),
    model=facts.CompetitorOffer,
    key=("market", "name", "seen_on"),
    key_separator="|",
    columns=(
        market(required=True),
        long_text(
            "name", _("Offer"), "Alpine 30", "Trailwise 28", required=True, aliases=("offer", "competitor", "product")
        ),
        Column(
            "seen_on",
            "date",
            _("Seen on"),
            ("2026-03-02", "2026-03-02"),
            required=True,
            aliases=("date", "Datum", "checked_on"),
        ),
        number("price_index", _("Price index"), "112", "94.5", help=_("Its price where yours is 100.")),
        count("reviews", _("Number of reviews"), "1830", "240", aliases=("review_count", "ratings")),
        *(
            column
            for n, (name, score) in enumerate(_PAIRS, 1)
            for column in (
                long_text(name, format_lazy(_("Attribute {n}"), n=n), target=""),
                number(score, format_lazy(_("Score of attribute {n}"), n=n), *(("8", "6") if n < 3 else ()), target=""),
            )
        ),
    ),
    derived=(Derived("attributes", derive.named_numbers(_PAIRS), needs=tuple(score for _name, score in _PAIRS)),),
    named=NamedColumns(
        words=("score", "评分", "得分", "Bewertung", "note"),
        pairs=_PAIRS,
        heading=_("score: %(name)s"),
        examples=(_("design"), _("durability")),
        help=_("How well the offer does on the attribute that the header names; up to six such columns."),
    ),
)
