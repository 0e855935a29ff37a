"""Reports of advertising spend: Google Ads, Meta Ads, TikTok Ads."""

import re
from collections.abc import Sequence
from datetime import date
from functools import cache

from babel.dates import get_month_names
from django.utils.translation import gettext_lazy as _

from flywheel.intake.formats.base import Format, Header, Made, Part, Period
from flywheel.intake.formats.makers import days_after, first_of, month_edge, unless, word
from flywheel.intake.kinds import SPEND

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")  # whose month names are read; Chinese and Japanese use numbers
TOTAL = r"-*|total\b.*|gesamt\b.*|总计.*|合计.*"
_COUNTRY = r"countr(y|ies)/(territory|region).*|land/(gebiet|region).*|pays/(territoire|région).*|国家/地区.*"


@cache
def _months() -> dict[str, int]:
    """Names of months, long and short, without dots."""
    names: dict[str, int] = {}
    for language in LANGUAGES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                months = get_month_names(width, context, language)
                names |= {name.casefold().rstrip("."): number for number, name in months.items()}
    return names | {"sept": 9}


def google_period(lines: Sequence[str]) -> Period | None:
    """The days in the line below the title: `September 1, 2026 - September 30, 2026`; None for `All time`."""
    for line in lines:
        days = [day for text in _dates_in(line) if (day := _date(*text))]
        if 1 <= len(days) <= 2 and days[0] <= days[-1]:
            return days[0], days[-1]
    return None


def _dates_in(line: str) -> list[tuple[str, str, str]]:
    """(year, month, day) of each date in the line, in the order of the first way of writing that fits."""
    word_ = r"([^\W\d_]+)\.?"
    ways = (
        (r"(20\d\d)年(\d{1,2})月(\d{1,2})日", "ymd"),
        (r"(20\d\d)-(\d\d)-(\d\d)", "ymd"),
        (rf"{word_} (\d{{1,2}}), (20\d\d)", "mdy"),
        (rf"(\d{{1,2}})(?:\.|er)? (?:de )?{word_},? (?:de )?(20\d\d)", "dmy"),
    )
    for pattern, order in ways:
        found = re.findall(pattern, line)
        if found:
            return [(told[order.index("y")], told[order.index("m")], told[order.index("d")]) for told in found]
    return []


def _date(year: str, month: str, day: str) -> date | None:
    number = int(month) if month.isdigit() else _months().get(month.casefold(), 0)
    try:
        return date(int(year), number, int(day))
    except ValueError:
        return None


GOOGLE = Format(
    "google-ads",
    "Google Ads: campaigns",
    columns=(
        Header("Day", also=("Tag", "Jour", "天", "日期", "Día", "Giorno", "日")),
        Header("Week", also=("Woche", "Semaine", "周", "Semana")),
        Header("Month", also=("Monat", "Mois", "月", "Mes")),
        Header(
            "Campaign", also=("Kampagne", "Campagne", "广告系列", "Campaña", "Campagna", "キャンペーン"), needed=True
        ),
        Header("Country", also=("Land", "Pays"), pattern=_COUNTRY),
        Header("Currency code", also=("Währungscode", "Code de devise", "Code devise", "货币代码", "Código de moneda")),
        Header("Impr.", also=("展示次数",), needed=True),
        Header("Clicks", also=("Klicks", "Clics", "点击次数", "Clic")),
        Header("Cost", also=("Kosten", "Coût", "费用", "Coste", "Costo", "費用"), needed=True),
        Header("Avg. CPC", also=("Durchschn. CPC", "CPC moy.", "平均每次点击费用", "CPC medio")),
        Header("Campaign type", also=("Kampagnentyp", "Type de campagne", "广告系列类型", "Tipo de campaña")),
        Header("CTR", also=("点击率",)),
    ),
    any_of=("Avg. CPC", "Campaign type", "CTR"),
    made=(
        Made("campaign", ("Campaign",), unless("Campaign", TOTAL)),
        Made("last of week", ("Week",), days_after("Week", 6)),
        Made("first of month", ("Month",), month_edge("Month")),
        Made("last of month", ("Month",), month_edge("Month", last=True)),
    ),
    parts=(
        Part(
            SPEND,
            {
                "date": ("Day", "Week", "first of month"),
                "currency": "Currency code",
                "cost": "Cost",
                "market": "Country",
                "campaign": "campaign",
                "impressions": "Impr.",
                "clicks": "Clicks",
            },
            constants={"channel": "google"},
            only="campaign",
            sums=True,
            until={"Week": "last of week", "first of month": "last of month"},
        ),
    ),
    period=google_period,
    help=_(
        "Google Ads: Campaigns, Download, CSV; add the segment Day and the column Currency code. Without days, what "
        "was spent is spread over the period in the file's second line."
    ),
)

SPENT = ("Ausgegebener Betrag", "Montant dépensé", "花费金额", "已花费金额", "Importe gastado", "Importo speso")
META = Format(
    "meta-ads",
    "Meta Ads: campaigns, ad sets or ads",
    columns=(
        Header("Reporting starts", also=("Berichtsstart", "Début des rapports", "报告开始日期", "Inicio del informe")),
        Header("Reporting ends", also=("Berichtsende", "Fin des rapports", "报告结束日期", "Fin del informe")),
        Header("Day", also=("Tag", "Jour", "单日", "天", "Día", "Giorno")),
        Header(
            "Campaign name",
            also=("Kampagnenname", "Name der Kampagne", "Nom de la campagne", "广告系列名称", "Nombre de la campaña"),
        ),
        Header(
            "Ad set name",
            also=(
                *("Anzeigengruppenname", "Name der Anzeigengruppe", "Nom de l'ensemble de publicités", "广告组名称"),
                "Nombre del conjunto de anuncios",
            ),
        ),
        Header(
            "Ad name",
            also=(
                *("Anzeigenname", "Name der Werbeanzeige", "Nom de la publicité", "广告名称"),
                "Nombre del anuncio",
            ),
        ),
        Header("Country", also=("Land", "Pays", "国家", "国家/地区", "País", "Paese")),
        Header("Currency", also=("Währung", "Devise", "货币", "Divisa")),
        Header(
            "Amount spent",
            also=(
                "Ausgegebener Betrag",
                "Montant dépensé",
                "花费金额",
                "已花费金额",
                "Importe gastado",
                "Importo speso",
            ),
            pattern=rf"(?:Amount spent|{'|'.join(SPENT)}) ?\((?P<currency>[A-Z]{{3}})\)",
            needed=True,
        ),
        Header("Impressions", also=("Impressionen", "展示次数", "Impresiones", "Impression"), needed=True),
        Header(
            "Link clicks",
            also=(
                "Link-Klicks",
                "Linkklicks",
                "Clics sur un lien",
                "Clics sur le lien",
                "链接点击量",
                "Clics en el enlace",
            ),
        ),
        Header("Clicks (all)", also=("Klicks (alle)", "Clics (tous)", "点击量（全部）", "Clics (todos)")),
        Header("Reach", also=("Reichweite", "Couverture", "覆盖人数", "Alcance", "Copertura")),
    ),
    any_of=("Reporting starts", "Reporting ends", "Ad set name", "Ad name", "Reach"),
    made=(
        Made(
            "campaign",
            ("Campaign name", "Ad set name", "Ad name"),
            first_of("Campaign name", "Ad set name", "Ad name"),  # all are blank in the row of totals
        ),
        Made("header's currency", ("Amount spent",), word("currency"), given="currency"),
    ),
    parts=(
        Part(
            SPEND,
            {
                "date": ("Day", "Reporting starts"),
                "currency": ("Currency", "header's currency"),
                "cost": "Amount spent",
                "market": "Country",
                "campaign": "campaign",
                "impressions": "Impressions",
                "clicks": ("Link clicks", "Clicks (all)"),
            },
            constants={"channel": "meta"},
            only="campaign",
            sums=True,
            until={"Reporting starts": "Reporting ends"},
        ),
    ),
    help=_(
        "Meta Ads Manager: Reports, Export table data, CSV; choose the breakdown By day. A row that covers several "
        "days is spread over them. Clicks are those on a link, where the report has them."
    ),
)

TIKTOK = Format(
    "tiktok-ads",
    "TikTok Ads: campaigns",
    columns=(
        Header("By Day", also=("Date", "Day", "日期")),
        Header("Campaign name", also=("推广系列名称",), needed=True),
        Header("Country", also=("Country/Region", "Country or region", "国家/地区")),
        Header("Currency", also=("货币",)),
        Header("Cost", also=("Total cost", "Spend", "消耗"), pattern=r"cost \((?P<currency>[A-Z]{3})\)", needed=True),
        Header("Impressions", also=("展示量",), needed=True),
        Header("Clicks (destination)", also=("点击量（目标页面）",)),
        Header("Clicks (all)"),
        Header("CTR (destination)", also=("点击率（目标页面）",)),
        Header("2-second video views"),
        Header("6-second video views"),
    ),
    any_of=(
        "Clicks (destination)",
        "Clicks (all)",
        "CTR (destination)",
        "2-second video views",
        "6-second video views",
    ),
    made=(
        Made("campaign", ("Campaign name",), unless("Campaign name", TOTAL)),
        Made("header's currency", ("Cost",), word("currency"), given="currency"),
    ),
    parts=(
        Part(
            SPEND,
            {
                "date": "By Day",
                "currency": ("Currency", "header's currency"),
                "cost": "Cost",
                "market": "Country",
                "campaign": "campaign",
                "impressions": "Impressions",
                "clicks": ("Clicks (destination)", "Clicks (all)"),
            },
            constants={"channel": "tiktok"},
            only="campaign",
            sums=True,
        ),
    ),
    help=_(
        "TikTok Ads Manager: Reporting, a custom report with the dimensions Campaign name and By Day, exported as CSV "
        "or XLSX. Without days, tell the period; without a column Currency, tell the currency of the account."
    ),
)
FORMATS = (GOOGLE, META, TIKTOK)
