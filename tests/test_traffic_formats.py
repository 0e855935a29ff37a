"""What GA4 and the advertising accounts export."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Spend, Traffic
from flywheel.intake.plans import Plan
from flywheel.intake.recognising import guess
from tests.builders import csv_file, load_plan
from tests.vendor_files import plans_of, read

pytestmark = pytest.mark.django_db
Plans = Sequence[Plan]


# --- GA4 --------------------------------------------------------------------------------------------------------------
CHANNEL = "Session default channel group"


def test_ga4_days_are_added_up_over_other_dimensions(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        {"Date": "20260701", CHANNEL: "Organic Search", "Landing page": "/a", "Sessions": "60", "Country": "Germany"},
        {"Date": "20260701", CHANNEL: "Organic Search", "Landing page": "/b", "Sessions": "40", "Country": "Germany"},
        {"Date": "20260702", CHANNEL: "(not set)", "Landing page": "/b", "Sessions": "7", "Country": "(not set)"},
    ]
    read(workspace, tmp_path, "ga4-traffic", rows)
    assert list(Traffic.objects.order_by("date").values_list("date", "channel", "sessions")) == [
        (dt.date(2026, 7, 1), "Organic Search", 100),
        (dt.date(2026, 7, 2), "", 7),
    ]
    assert Traffic.objects.get(sessions=7).market == ""


@pytest.mark.parametrize(
    "lines",
    [
        ["# Traffic acquisition", "# Start date: 20260701", "# End date: 20260704"],
        ["# Startdatum: 20260701", "# Enddatum: 20260704"],
        ["# All Users", "# 20260701-20260704"],
        ["# 开始日期：20260701", "# 结束日期：20260704"],
    ],
)
def test_ga4_sessions_without_days_are_spread_over_the_period_of_the_comments(
    workspace: Workspace, tmp_path: Path, lines: list[str]
) -> None:
    rows = [{CHANNEL: "Direct", "Sessions": "10", "Engaged sessions": "6", "Event count": "99"}]
    read(workspace, tmp_path, "ga4-traffic", rows, lines)
    days = Traffic.objects.order_by("date").values_list("date__day", "sessions", "engaged_sessions", "carts")
    assert list(days) == [(1, 2, 1, None), (2, 3, 2, None), (3, 2, 1, None), (4, 3, 2, None)]


@pytest.mark.parametrize("lines", [[], ["# All Users"], ["# 20260101-20260131", "# 20250101-20250131"]])
def test_ga4_sessions_of_an_unknown_period_are_asked_for_it(lines: list[str]) -> None:
    for header in ([CHANNEL, "Sessions"], ["Month", CHANNEL, "Sessions"]):
        plan = plans_of("ga4-traffic", header, lines)[0]
        assert [column.name for column in plan.missing] == ["date"]


def test_ga4_months_are_spread_over_their_own_days_of_the_period(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        {"Month": "10", CHANNEL: "Direct", "Sessions": "62"},
        {"Month": "01", CHANNEL: "Direct", "Sessions": "31"},
        {"Month": "02", CHANNEL: "Direct", "Sessions": "20"},
    ]
    read(workspace, tmp_path, "ga4-traffic", rows, ["# 20251001-20260210"])
    per_day = {day.date: day.sessions for day in Traffic.objects.all()}
    assert len(per_day) == 31 + 31 + 10
    assert (per_day[dt.date(2025, 10, 7)], per_day[dt.date(2026, 1, 7)], per_day[dt.date(2026, 2, 7)]) == (2, 1, 2)


def test_a_ga4_month_that_comes_twice_in_the_period_is_not_guessed(workspace: Workspace, tmp_path: Path) -> None:
    rows = [{"Month": "10", CHANNEL: "Direct", "Sessions": "62"}]
    plans = plans_of("ga4-traffic", list(rows[0]), ["# 20251001-20261031"])
    batch = load_plan(workspace, csv_file(tmp_path, rows), plans)
    assert list(batch.errors.values_list("line", "code")) == [(2, "required")]


@pytest.mark.parametrize(
    "header",
    [
        ["Date", "Session primary channel group (Default channel group)", "Sessions", "Engaged sessions"],
        [
            "Datum",
            "Sitzung – primäre Channelgruppe (Standard-Channelgruppe)",
            "Sitzungen",
            "Sitzungen mit Interaktionen",
        ],
        [
            "Date",
            "Groupe de canaux principal de la session (Groupe de canaux par défaut)",
            "Sessions",
            "Sessions avec engagement",
        ],
        ["日期", "会话主要渠道组（默认渠道组）", "会话数", "互动会话数"],
        ["Date", "Session source / medium", "Sessions", "Engaged sessions"],
    ],
)
def test_ga4_is_known_in_other_languages(workspace: Workspace, header: list[str]) -> None:
    found = guess(workspace, header)
    assert found is not None
    assert found.name == "ga4-traffic"
    assert set(found.plans[0].columns) == {"date", "channel", "sessions", "engaged_sessions"}


# --- advertising ------------------------------------------------------------------------------------------------------
def google(campaign: str = "Brand", **cells: str) -> dict[str, str]:
    known = {"Campaign status": "Enabled", "Campaign": campaign, "Campaign type": "Search", "Currency code": "EUR"}
    return known | {"Impr.": "40,000", "Clicks": "900", "Cost": "990.00"} | cells


@pytest.mark.parametrize(
    ("line", "period"),
    [
        ("September 1, 2026 - September 30, 2026", ("2026-09-01", "2026-09-30")),
        ("Aug 1, 2026 - Aug 2, 2026", ("2026-08-01", "2026-08-02")),
        ("Sept 1, 2026 - Oct 2, 2026", ("2026-09-01", "2026-10-02")),
        ("September 1, 2026", ("2026-09-01", "2026-09-01")),
        ("1. September 2026 - 30. September 2026", ("2026-09-01", "2026-09-30")),
        ("1. März 2026–31. März 2026", ("2026-03-01", "2026-03-31")),
        ("1er août 2026 - 31 août 2026", ("2026-08-01", "2026-08-31")),
        ("1 de marzo de 2026 - 31 de marzo de 2026", ("2026-03-01", "2026-03-31")),
        ("2026年9月1日 - 2026年9月30日", ("2026-09-01", "2026-09-30")),
        ("All time", None),
        ("Campaign report", None),
        ("September 30, 2026 - September 1, 2026", None),
    ],
)
def test_the_period_of_a_google_ads_report_is_read_from_its_second_line(
    line: str, period: tuple[str, str] | None
) -> None:
    options = plans_of("google-ads", list(google()), ["Campaign report", line])[0].options
    assert (options.get("period_first"), options.get("period_last")) == (period or (None, None))


def test_google_ads_without_days_are_spread_and_totals_left_out(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        google(),
        google("--", **{"Campaign status": "Total: Account"}),
        google("", Cost="1"),
        google("Total: Search"),
    ]
    read(workspace, tmp_path, "google-ads", rows, ["Campaign report", "September 1, 2026 - September 30, 2026"])
    days = Spend.objects.order_by("date")
    assert (len(days), {(day.cost, day.clicks, day.channel, day.campaign) for day in days}) == (
        30,
        {(Decimal("33"), 30, "google", "Brand")},
    )


def test_google_ads_of_a_week_are_spread_over_its_days_within_the_period(workspace: Workspace, tmp_path: Path) -> None:
    rows = [google(Week="2026-08-31", Cost="60.00"), google(Week="2026-09-07", Cost="70.00")]
    read(workspace, tmp_path, "google-ads", rows, ["Campaign report", "September 1, 2026 - September 30, 2026"])
    costs = {day.date.isoformat(): day.cost for day in Spend.objects.all()}
    assert (min(costs), max(costs), set(costs.values())) == ("2026-09-01", "2026-09-13", {Decimal("10")})


def test_google_ads_of_all_time_are_asked_for_their_period() -> None:
    plan = plans_of("google-ads", list(google()), ["Campaign report", "All time"])[0]
    assert [column.name for column in plan.missing] == ["date"]


@pytest.mark.parametrize(
    "header",
    [
        ["Tag", "Kampagne", "Währungscode", "Impr.", "Klicks", "Kosten", "CTR"],
        ["Jour", "Campagne", "Code de devise", "Impr.", "Clics", "Coût", "CTR"],
        ["天", "广告系列", "货币代码", "展示次数", "点击次数", "费用", "点击率"],
    ],
)
def test_google_ads_are_known_in_other_languages(workspace: Workspace, header: list[str]) -> None:
    found = guess(workspace, header)
    assert found is not None
    assert found.name == "google-ads"
    assert set(found.plans[0].columns) == {"date", "campaign", "currency", "impressions", "clicks", "cost"}


def meta(day: str = "2026-09-01", until: str = "", **cells: str) -> dict[str, str]:
    known = {"Reporting starts": day, "Reporting ends": until or day, "Campaign name": "Spring", "Ad name": "v1"}
    return known | {"Impressions": "5400", "Link clicks": "61", "Amount spent (USD)": "62.10"} | cells


def test_meta_ads_of_one_day_are_added_up_by_campaign(workspace: Workspace, tmp_path: Path) -> None:
    rows = [meta(), meta(**{"Ad name": "v2", "Amount spent (USD)": "37.90"}), meta("2026-09-02")]
    read(workspace, tmp_path, "meta-ads", rows)
    spend = Spend.objects.get(date="2026-09-01")
    assert (spend.cost, spend.currency, spend.channel, spend.campaign) == (Decimal("100"), "USD", "meta", "Spring")
    assert (spend.impressions, spend.clicks) == (10_800, 122)


def test_meta_ads_of_several_days_are_spread_over_each_rows_own(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        meta("2026-09-01", "2026-09-07", **{"Amount spent (USD)": "70.00"}),
        meta("2026-09-08", "2026-09-09", **{"Amount spent (USD)": "10.00"}),
    ]
    read(workspace, tmp_path, "meta-ads", rows)
    costs = [day.cost for day in Spend.objects.order_by("date")]
    assert costs == [Decimal("10")] * 7 + [Decimal("5")] * 2


def test_the_row_of_totals_in_meta_ads_has_no_name(workspace: Workspace, tmp_path: Path) -> None:
    row = {"Reporting starts": "2025-12-10", "Reporting ends": "2026-08-10", "Ad set name": "", "Day": "2026-08-01"}
    amounts = {"Amount spent (INR)": "15000.00", "Impressions": "500000", "Link clicks": "4000"}
    rows = [row | amounts, row | amounts | {"Ad set name": "Set A", "Amount spent (INR)": "9000.00"}]
    read(workspace, tmp_path, "meta-ads", rows)
    assert list(Spend.objects.values_list("date", "campaign", "cost")) == [
        (dt.date(2026, 8, 1), "Set A", Decimal("9000")),
    ]


@pytest.mark.parametrize(
    "header",
    [
        ["Tag", "Kampagnenname", "Ausgegebener Betrag (EUR)", "Impressionen", "Link-Klicks", "Reichweite"],
        ["Jour", "Nom de la campagne", "Montant dépensé (EUR)", "Impressions", "Clics sur un lien", "Couverture"],
        ["单日", "广告系列名称", "已花费金额 (USD)", "展示次数", "链接点击量", "覆盖人数"],
        ["单日", "广告系列名称", "已花费金额（USD）", "展示次数", "链接点击量", "覆盖人数"],
    ],
)
def test_meta_ads_are_known_in_other_languages(workspace: Workspace, header: list[str]) -> None:
    found = guess(workspace, header)
    assert found is not None
    assert found.name == "meta-ads"
    assert set(found.plans[0].columns) == {"date", "campaign", "currency", "impressions", "clicks", "cost"}


def test_meta_ads_without_a_currency_ask_for_it() -> None:
    plan = plans_of("meta-ads", ["Day", "Ad name", "Amount spent", "Impressions"])[0]
    assert [column.name for column in plan.missing] == ["currency"]


def test_tiktok_ads_are_read_day_by_day(workspace: Workspace, tmp_path: Path) -> None:
    row = {"By Day": "2026-09-01", "Campaign name": "Clips", "Cost": "12.50", "Impressions": "900", "Currency": "GBP"}
    rows = [row | {"Clicks (destination)": "30"}, row | {"By Day": "", "Campaign name": "Total of 1 results"}]
    read(workspace, tmp_path, "tiktok-ads", rows)
    spend = Spend.objects.get()
    assert (spend.channel, spend.cost, spend.clicks) == ("tiktok", Decimal("12.5"), 30)
