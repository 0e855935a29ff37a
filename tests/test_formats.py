"""Figures in words, in both languages."""

import datetime as dt
import math
from decimal import Decimal

import pytest
import time_machine
from django.template import Context, Template
from django.utils import translation

from engines.results import REASONS, Estimate, Unavailable
from flywheel.accounts import words
from flywheel.accounts.sparklines import Sparkline
from flywheel.accounts.templatetags import formats

NOON = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
CASES = [
    ("1234.5|number", "1,234", "1,234"),
    ("1234.56|number:1", "1,234.6", "1,234.6"),
    ("-1234|number", "−1,234", "−1,234"),
    ("86.4|money:'EUR'", "€86.40", "€86.40"),
    ("12345.6|money:'CNY'", "CN¥12,346", "¥12,346"),
    ("-3.5|money:'BRL'", "−R$3.50", "-R$3.50".replace("-", "−")),
    ("1234567|compact_money:'EUR'", "€1.2M", "€123.5万"),
    ("0.0345|percent:1", "3.4%", "3.4%"),
    ("0.0231|percent:2", "2.31%", "2.31%"),
    ("12345|compact", "12.3K", "1.2万"),
    ("123456789|compact", "123.5M", "1.2亿"),
    ("2387.4|compact", "2.4K", "2,387"),
    ("39.68794|compact", "39.7", "39.7"),
    ("39|compact", "39", "39"),
    ("412.6|compact", "413", "413"),
    ("1733.595|compact_money:'EUR'", "€1.7K", "€1,734"),
    ("17.336|compact_money:'EUR'", "€17.34", "€17.34"),
    ("0.034|delta", "+3.4%", "+3.4%"),
    ("-0.034|delta", "−3.4%", "−3.4%"),
    ("0.0001|delta", "0.0%", "0.0%"),
]
FILTERS = [formats.number, formats.compact, formats.percent, formats.delta]


@pytest.mark.parametrize(("expression", "english", "chinese"), CASES)
def test_a_figure_reads_as_its_language_writes_it(expression: str, english: str, chinese: str) -> None:
    value, name = expression.split("|")
    for language, expected in (("en", english), ("zh-hans", chinese)):
        with translation.override(language):
            rendered = Template(f"{{{{ value|{name} }}}}").render(Context({"value": float(value)}))
        assert rendered == expected


@pytest.mark.parametrize("value", [None, math.nan, math.inf, "", True])
def test_a_missing_figure_is_a_dash_and_never_zero(value: object) -> None:
    assert [show(value) for show in FILTERS] == ["–"] * len(FILTERS)
    assert formats.money(value, "EUR") == formats.compact_money(value, "EUR") == "–"


def test_decimals_are_figures_too() -> None:
    assert formats.money(Decimal("86.40"), "EUR") == "€86.40"


def test_a_week_is_named_by_number_in_english_and_by_its_first_day_in_chinese() -> None:
    assert formats.week(dt.date(2026, 11, 16)) == "W47 · 16 Nov"
    with translation.override("zh-hans"):
        assert formats.week("2026-11-16") == "11月16日当周"
    assert formats.week(None) == "–"


def test_a_week_that_starts_on_sunday_has_the_number_of_its_working_days() -> None:
    assert formats.week(dt.date(2026, 11, 15)) == "W47 · 15 Nov"


@pytest.mark.parametrize(
    ("passed", "english", "chinese"),
    [
        (dt.timedelta(minutes=5), "5 minutes ago", "5分钟前"),
        (dt.timedelta(days=3), "3 days ago", "3天前"),
    ],
)
def test_a_moment_is_told_by_how_long_ago_it_was(passed: dt.timedelta, english: str, chinese: str) -> None:
    with time_machine.travel(NOON, tick=False):
        assert formats.ago(NOON - passed) == english
        with translation.override("zh-hans"):
            assert formats.ago(NOON - passed) == chinese


def test_a_moment_of_seconds_ago_is_just_now() -> None:
    with time_machine.travel(NOON, tick=False):
        assert formats.ago(NOON - dt.timedelta(seconds=4)) == "just now"
    assert formats.ago(None) == "–"


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0, "0 sec", "0秒"),
        (75, "1 min 15 sec", "1分钟15秒"),
        (7200, "2 hr", "2小时"),
        (7325, "2 hr 2 min", "2小时2分钟"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: int, english: str, chinese: str) -> None:
    assert formats.duration(dt.timedelta(seconds=seconds)) == english
    with translation.override("zh-hans"):
        assert formats.duration(dt.timedelta(seconds=seconds)) == chinese
    assert formats.duration(None) == "–"


def test_days_and_moments_follow_the_language() -> None:
    assert formats.day(NOON.date()) == "22 Nov 2026"
    assert formats.moment(NOON) == "22 Nov 2026, 12:00"
    with translation.override("zh-hans"):
        assert formats.day(NOON.date()) == "2026年11月22日"
        assert formats.moment(NOON) == "2026年11月22日 12:00"
    assert formats.day(None) == formats.moment(None) == "–"


@pytest.mark.parametrize(
    ("size", "words_"),
    [(None, "–"), (999, "999 B"), (1_500, "1.5 kB"), (2_300_000, "2.3 MB"), (7_100_000_000, "7.1 GB")],
)
def test_a_file_size_has_the_fitting_unit(size: int | None, words_: str) -> None:
    assert formats.file_size(size) == words_


@pytest.mark.parametrize(
    ("estimate", "text", "interval"),
    [
        (Estimate(0.0234, 0.0226, 0.0243, 1000, "rate"), "2.34%", "2.26% to 2.43%"),
        (Estimate(0.184, 0.171, 0.197, 1000, "rate"), "18.4%", "17.1% to 19.7%"),
        (Estimate(86.42, 84.9, 87.95, 1000, "money"), "€86.42", "€84.90 to €87.95"),
        (Estimate(1_234_567.0, None, None, 1000, "money"), "€1.2M", ""),
        (Estimate(12_345.0, None, None, 1000, "count"), "12,345", ""),
        (Estimate(3.456, 3.1, 3.9, 1000, "money_per"), "€3.46", "€3.10 to €3.90"),
        (Estimate(6.31, 6.1, 6.6, 1000, "days"), "6.3 days", "6.1 days to 6.6 days"),
        (Estimate(4.321, 4.2, 4.4, 1000, "stars"), "4.32 / 5", "4.20 / 5 to 4.40 / 5"),
        (Estimate(2.94, 2.6, 3.31, 1000, "ratio"), "2.94×", "2.60× to 3.31×"),
    ],
)
def test_an_estimate_reads_in_its_unit(estimate: Estimate, text: str, interval: str) -> None:
    reading = formats.reading(estimate, "EUR")
    assert (reading.available, reading.text, reading.interval, reading.sample) == (True, text, interval, "n = 1,000")


def test_an_estimate_kept_as_plain_data_reads_the_same() -> None:
    plain = {"value": 0.5, "low": None, "high": None, "n": 8, "unit": "rate"}
    assert formats.reading(plain) == formats.reading(Estimate(**plain))
    assert formats.reading({"reason": "too_few", "n": None, "needed": None}) == formats.reading(Unavailable("too_few"))


def test_what_is_unavailable_says_why() -> None:
    assert formats.reading(Unavailable("no_traffic_data")).text == "not available: no traffic data"
    few = formats.reading(Unavailable("too_few", n=7, needed=30)).text
    assert few == "not available: too few observations (7 of 30 needed)"
    assert formats.reading(Unavailable("too_few", n=7, needed=30)).brief == "too few observations"


def test_every_reason_of_the_engines_has_words() -> None:
    assert set(words.REASONS) == REASONS


def test_a_sparkline_breaks_where_a_value_is_missing() -> None:
    line = Sparkline.of([1.0, 2.0, None, 3.0, math.nan, 2.0, 1.0])
    assert line.path.count("M") == 2
    assert len(line.dots) == 1
    assert line.last is not None


def test_a_sparkline_has_no_last_point_when_the_newest_value_is_missing() -> None:
    assert Sparkline.of([1.0, 2.0, None]).last is None


def test_a_sparkline_of_one_value_is_level_and_of_none_is_empty() -> None:
    assert Sparkline.of([5.0, 5.0]).path == "M3,16 L117,16"
    assert Sparkline.of([None, None]) == Sparkline("", (), None)
    assert Sparkline.of([]) == Sparkline("", (), None)


def test_a_sparkline_keeps_its_higher_values_higher_up() -> None:
    assert Sparkline.of([0.0, 10.0]).path == "M3,29 L117,3"
