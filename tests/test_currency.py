"""Exchange rates by day: banking days, gaps, the end of the history."""

from datetime import date, timedelta

import numpy as np
import pytest

from flywheel.facts import currency

LAST = currency.last_day().astype(date)


def rate(code: str, day: date, base: str) -> float | None:
    """One rate, or None when there is none."""
    text = currency.rates([code], np.array([day], dtype="datetime64[D]"), base).texts[0]
    return float(text) if text else None


def test_a_published_rate_is_given_both_ways() -> None:
    # European Central Bank, 2 January 2018: 1 EUR = 1.2065 USD
    assert rate("EUR", date(2018, 1, 2), "USD") == pytest.approx(1.2065)
    assert rate("USD", date(2018, 1, 2), "EUR") == pytest.approx(1 / 1.2065, abs=1e-10)


def test_two_foreign_currencies_meet_in_the_euro() -> None:
    # 2 January 2018: 1 EUR = 1.2065 USD = 0.88953 GBP
    assert rate("GBP", date(2018, 1, 2), "USD") == pytest.approx(1.2065 / 0.88953, abs=1e-9)


def test_a_weekend_has_the_rate_of_the_friday_before() -> None:
    assert rate("USD", date(2018, 1, 7), "EUR") == rate("USD", date(2018, 1, 5), "EUR")


def test_a_currency_in_itself_is_one_even_without_a_history() -> None:
    assert rate("VND", date(2026, 1, 2), "VND") == 1


@pytest.mark.parametrize(
    ("code", "day"),
    [
        ("XXX", date(2018, 1, 2)),
        ("BRL", date(2007, 12, 31)),  # before its history
        ("RUB", date(2024, 1, 2)),  # no longer published
        ("HRK", date(2023, 3, 1)),  # gone into the euro
        ("USD", LAST + timedelta(days=currency.MAX_TAIL_DAYS + 1)),
    ],
)
def test_there_is_no_rate_where_none_is_known(code: str, day: date) -> None:
    assert rate(code, day, "EUR") is None


def test_a_gap_is_bridged_for_ten_days_and_no_longer() -> None:
    last = date(2022, 3, 1)  # the rouble's last rate
    assert rate("RUB", last + timedelta(days=currency.MAX_GAP_DAYS), "EUR")
    assert rate("RUB", last + timedelta(days=currency.MAX_GAP_DAYS + 1), "EUR") is None


def test_after_the_history_the_last_rate_is_carried_and_marked() -> None:
    days = np.array([LAST, LAST + timedelta(days=40), LAST + timedelta(days=40)], dtype="datetime64[D]")
    found = currency.rates(["USD", "USD", "EUR"], days, "EUR")
    assert found.texts[0] == found.texts[1]
    assert found.carried.tolist() == [False, True, False]
    assert not found.missing.any()


def test_an_unknown_day_has_no_rate() -> None:
    found = currency.rates(["USD"], np.array(["NaT"], dtype="datetime64[D]"), "EUR")
    assert found.texts == [""]


def test_no_rows_are_no_rates() -> None:
    assert currency.rates([], np.array([], dtype="datetime64[D]"), "EUR").texts == []


# --- a workspace's own rates -----------------------------------------------------------------------------------------
def own(**histories: dict[date, float]) -> currency.Table:
    """A table with own rates, per currency by day."""
    columns = {
        code: (np.array(list(rates), dtype="datetime64[D]"), np.array(list(rates.values())))
        for code, rates in histories.items()
    }
    return currency.with_own(columns)


def own_rate(table: currency.Table, code: str, day: date, base: str = "EUR") -> float | None:
    text = currency.rates([code], np.array([day], dtype="datetime64[D]"), base, table).texts[0]
    return float(text) if text else None


def test_an_own_rate_goes_before_the_published_one_on_its_day_only() -> None:
    table = own(USD={date(2018, 1, 3): 1.25})
    assert own_rate(table, "USD", date(2018, 1, 3)) == pytest.approx(1 / 1.25)
    assert own_rate(table, "USD", date(2018, 1, 2)) == rate("USD", date(2018, 1, 2), "EUR")
    assert own_rate(table, "USD", date(2018, 1, 4)) == rate("USD", date(2018, 1, 4), "EUR")


def test_a_currency_that_the_bank_does_not_quote_is_usable_both_ways() -> None:
    table = own(VND={date(2026, 3, 2): 29845.5})
    assert own_rate(table, "VND", date(2026, 3, 2), "USD") == pytest.approx(
        rate("EUR", date(2026, 3, 2), "USD") / 29845.5, abs=1e-10
    )
    assert own_rate(table, "EUR", date(2026, 3, 2), "VND") == 29845.5
    assert own_rate(table, "VND", date(2026, 3, 1)) is None


def test_a_gap_between_own_rates_is_a_gap() -> None:
    table = own(BDT={date(2026, 3, 2): 143.0, date(2026, 6, 1): 150.0})
    assert own_rate(table, "BDT", date(2026, 3, 2) + timedelta(days=currency.MAX_GAP_DAYS))
    assert own_rate(table, "BDT", date(2026, 3, 2) + timedelta(days=currency.MAX_GAP_DAYS + 1)) is None


def test_own_rates_carry_a_currency_on_and_leave_the_others_alone() -> None:
    later = LAST + timedelta(days=8)
    table = own(USD={later: 1.5})
    days = np.array([later, LAST + timedelta(days=40), LAST + timedelta(days=40)], dtype="datetime64[D]")
    found = currency.rates(["USD", "USD", "JPY"], days, "EUR", table)
    assert found.texts[0] == found.texts[1] == "0.6666666667"
    assert found.carried.tolist() == [False, True, True]


def test_the_last_own_rate_is_carried_as_far_as_a_published_one() -> None:
    last = date(2026, 3, 2)
    table = own(VND={last: 29845.5})
    assert own_rate(table, "VND", last + timedelta(days=currency.MAX_TAIL_DAYS))
    assert own_rate(table, "VND", last + timedelta(days=currency.MAX_TAIL_DAYS + 1)) is None


def test_the_euro_stays_one_whatever_a_file_says() -> None:
    table = own(EUR={date(2018, 1, 2): 2.0})
    assert own_rate(table, "USD", date(2018, 1, 2)) == rate("USD", date(2018, 1, 2), "EUR")


@pytest.mark.parametrize("per_euro", [1e-12, 1e12])
def test_a_rate_that_cannot_be_kept_is_no_rate(per_euro: float) -> None:
    assert own_rate(own(XXX={date(2026, 3, 2): per_euro}), "XXX", date(2026, 3, 2)) is None
