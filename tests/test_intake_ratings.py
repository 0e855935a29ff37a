"""Ratings, countries and currencies in the words that exports have for them."""

import pytest
from babel import Locale

from flywheel.intake.parsing import Reading, parse

READING = Reading(workspace_zone="UTC", zone="UTC", hash_key=b"k" * 32)


def one(kind: str, cell: str) -> str:
    """The value of a cell, or the code of what was expected in capitals."""
    parsed = parse(kind, [cell], READING)
    return parsed.bad[0].upper() if parsed.bad else parsed.texts[0]


@pytest.mark.parametrize(
    ("cell", "stars"),
    [
        ("4", "4"),
        ("4.5", "4.5"),
        ("5/5", "5"),
        ("4 von 5", "4"),
        ("4 sur 5", "4"),
        ("4.0 out of 5 stars", "4"),
        ("★★★★☆", "4"),
        ("⭐⭐⭐", "3"),
        ("4 Sterne", "4"),
        ("4星", "4"),
        ("--", ""),
        ("8/10", "STARS"),
        ("0", "STARS"),
        ("6", "STARS"),
        ("★★★★★★", "STARS"),
        ("☆☆☆☆☆", "STARS"),
    ],
)
def test_stars_are_counted_however_they_are_written(cell: str, stars: str) -> None:
    assert one("stars", cell) == stars


@pytest.mark.parametrize(
    ("cell", "score"),
    [
        ("0", "0"),
        ("10", "10"),
        ("9.0", "9"),
        ("9/10", "9"),
        ("9分", "9"),
        ("N/A", ""),
        ("11", "SCORE"),
        ("7.5", "SCORE"),
        ("4/5", "SCORE"),
        ("-1", "NEGATIVE"),
        ("ten", "SCORE"),
    ],
)
def test_a_recommendation_is_a_whole_number_from_0_to_10(cell: str, score: str) -> None:
    assert one("score", cell) == score


@pytest.mark.parametrize(
    ("cell", "rating"),
    [
        ("Good", "5"),
        ("Bad", "1"),
        ("goodwithcomment", "5"),
        ("Bad with comment", "1"),
        ("Gut", "5"),
        ("Schlecht", "1"),
        ("insatisfait", "1"),
        ("满意", "5"),
        ("不满意", "1"),
        ("3", "3"),
        ("4/5", "4"),
        ("Offered", ""),
        ("Unoffered", ""),
        ("Not offered", ""),
        ("Nicht angeboten", ""),
        ("未提供", ""),
        ("-", ""),
        ("6", "CSAT"),
        ("0", "CSAT"),
        ("meh", "CSAT"),
    ],
)
def test_a_help_desks_satisfaction_is_a_number_or_its_words(cell: str, rating: str) -> None:
    assert one("csat", cell) == rating


@pytest.mark.parametrize(
    ("cell", "country"),
    [
        ("DE", "DE"),
        ("de", "DE"),
        ("DEU", "DE"),
        ("usa", "US"),
        ("U.S.A.", "US"),
        ("UK", "GB"),
        ("United Kingdom", "GB"),
        ("The Netherlands", "NL"),
        ("Deutschland", "DE"),
        ("Österreich", "AT"),
        ("Allemagne", "DE"),
        ("Etats-Unis", "US"),
        ("Côte d’Ivoire", "CI"),
        ("德国", "DE"),
        ("美国", "US"),
        ("中国大陆", "CN"),
        ("香港", "HK"),
        ("Czech Republic", "CZ"),
        ("Turkey", "TR"),
        ("Elbonia", "Elbonia"),
        ("", ""),
        ("x" * 61, "TOO_LONG"),
    ],
)
def test_a_country_becomes_its_two_letters_where_it_is_known(cell: str, country: str) -> None:
    assert one("country", cell) == country


@pytest.mark.parametrize("language", ["en", "de", "fr", "zh"])
def test_every_country_is_known_by_its_name(language: str) -> None:
    names = {code: name for code, name in Locale(language).territories.items() if len(code) == 2 and code.isalpha()}
    assert {code: one("country", name) for code, name in names.items()} == {code: code for code in names}


@pytest.mark.parametrize(
    ("cell", "currency"),
    [
        ("€", "EUR"),
        ("£", "GBP"),
        ("元", "CNY"),
        ("RMB", "CNY"),
        ("US$", "USD"),
        ("r$", "BRL"),
        ("zł", "PLN"),
        ("eur", "EUR"),
        ("$", "CURRENCY"),
        ("¥", "CURRENCY"),
        ("kr", "CURRENCY"),
    ],
)
def test_a_currency_is_known_by_a_sign_that_means_no_other(cell: str, currency: str) -> None:
    assert one("currency", cell) == currency
