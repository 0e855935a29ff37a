"""Google Analytics 4: sessions by any dimensions, from reports and explorations. Event counts are no sessions."""

import re
from collections.abc import Sequence
from datetime import date

from django.utils.translation import gettext_lazy as _

from flywheel.intake.formats.base import Format, Header, Made, Part, Period
from flywheel.intake.formats.makers import first_of, month_edge, nth_day, unless
from flywheel.intake.kinds import TRAFFIC

UNKNOWN = r"\(not set\)|\(data not available\)|\(other\)"


def period_of(lines: Sequence[str]) -> Period | None:
    """The first and last day told in the comment lines: `# Start date: 20260701`, `# 20251001-20260228`."""
    months_and_days = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    told = [day for line in lines for day in re.findall(rf"(?<![0-9])20[0-9]{{2}}{months_and_days}(?![0-9])", line)]
    try:
        days = [date.fromisoformat(day) for day in told]
    except ValueError:  # 31 February
        return None
    return (days[0], days[1]) if len(days) == 2 and days[0] <= days[1] else None


TRAFFIC_REPORT = Format(
    "ga4-traffic",
    "Google Analytics 4: traffic",
    columns=(
        Header("Date", also=("Datum", "日期", "Fecha", "Data", "日付")),
        Header("Nth day"),
        Header("Year month", also=("Year and month",)),
        Header("Month", also=("Monat", "Mois", "月份", "月", "Mes", "Mese")),
        Header(
            "channel group",
            pattern=r"session .*channel group.*|sitzung\b.*channelgruppe.*|.*channelgruppe.* der sitzung"
            r"|groupe de canaux .*session.*|会话.*渠道(组|分组).*|grupo de canales .*sesi[oó]n.*",
        ),
        Header(
            "source / medium",
            pattern=r"session (manual )?source ?/ ?medium|sitzung ?- ?quelle ?/ ?medium"
            r"|source ?/ ?support de la session|会话.*来源 ?/ ?媒介|fuente ?/ ?medio de la sesi[oó]n",
        ),
        Header("Country", also=("Land", "Pays", "国家", "国家/地区", "País", "Paese", "国")),
        Header(
            "Device category",
            also=(
                "Gerätekategorie",
                "Catégorie d'appareil",
                "设备类别",
                "Categoría de dispositivo",
                "デバイス カテゴリ",
            ),
        ),
        Header("Sessions", also=("Sitzungen", "会话数", "会话", "Sesiones", "Sessioni", "セッション"), needed=True),
        Header(
            "Engaged sessions",
            also=(
                *("Sitzungen mit Interaktionen", "Sessions avec engagement", "互动会话数", "Sesiones con interacción"),
                "エンゲージのあったセッション数",
            ),
        ),
        Header(
            "Engagement rate", also=("Engagement-Rate", "Taux d'engagement", "互动率", "Porcentaje de interacciones")
        ),
    ),
    any_of=("channel group", "source / medium", "Engagement rate"),
    made=(
        Made("source", ("channel group", "source / medium"), first_of("channel group", "source / medium")),
        Made("channel", ("channel group", "source / medium"), unless("source", UNKNOWN)),
        Made("market", ("Country",), unless("Country", UNKNOWN)),
        Made("device", ("Device category",), unless("Device category", UNKNOWN)),
        Made("nth day", ("Nth day",), nth_day("Nth day"), given="period_first"),
        Made("first of month", ("Year month",), month_edge("Year month")),
        Made("last of month", ("Year month",), month_edge("Year month", last=True)),
        Made("first of named month", ("Month",), month_edge("Month"), given="period_first"),
        Made("last of named month", ("Month",), month_edge("Month", last=True), given="period_first"),
    ),
    parts=(
        Part(
            TRAFFIC,
            {
                "date": ("Date", "nth day", "first of month", "first of named month"),
                "market": "market",
                "channel": "channel",
                "device": "device",
                "sessions": "Sessions",
                "engaged_sessions": "Engaged sessions",
            },
            sums=True,
            until={"first of month": "last of month", "first of named month": "last of named month"},
        ),
    ),
    period=period_of,
    help=_(
        "Google Analytics: a traffic acquisition report or a free-form exploration with sessions, downloaded as CSV; "
        "add the dimension Date to load it day by day. Without days, sessions are spread over the period or month that "
        "the file names. Other dimensions are added up, and event counts are not read: they are no sessions."
    ),
)
FORMATS = (TRAFFIC_REPORT,)
