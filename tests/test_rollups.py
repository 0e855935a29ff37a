"""The roll-ups' SQL: the same numbers on every engine, and nothing in it that engines read differently."""

import os
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from django.db import connection
from sqlglot import exp

from engines import rollups
from flywheel.accounts.models import Workspace
from flywheel.facts.models import (
    CustomerCampaign,
    Order,
    OrderLine,
    Referral,
    Refund,
    Review,
    Source,
    Spend,
    SurveyAnswer,
    Ticket,
    Traffic,
)
from flywheel.measures.rolling import TARGETS, Target, select_sql
from tests.facts_builder import FIRST_DAY, RandomFacts, moment, new_source, order, set_first_orders, week_of

GOLDEN = Path(__file__).parent / "golden" / "rollups"
FACT_TABLES = (
    "order",
    "orderline",
    "firstorder",
    "payment",
    "refund",
    "review",
    "ticket",
    "surveyanswer",
    "referral",
    "customercampaign",
    "traffic",
    "session",
    "spend",
)
WEEKS = 60
ALL_TARGETS = {target.text: target for targets in TARGETS.values() for target in targets}
Rows = list[tuple]
PORTABLE = (exp.Sum, exp.Count, exp.Cast, exp.Case, exp.If, exp.And, exp.Or)


# --- the text ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dialect", rollups.DIALECTS)
@pytest.mark.parametrize("name", rollups.NAMES)
def test_the_text_for_other_engines_is_as_kept(name: str, dialect: str) -> None:
    """Run with REWRITE_GOLDEN=1 to keep a wanted change."""
    path = GOLDEN / f"{name}.{dialect}.sql"
    if os.environ.get("REWRITE_GOLDEN"):
        path.write_text(rollups.rewrite(name, dialect))
    assert rollups.rewrite(name, dialect) == path.read_text()


@pytest.mark.parametrize("name", rollups.NAMES)
def test_it_calls_only_what_every_engine_reads_alike(name: str) -> None:
    tree = sqlglot.parse_one(rollups.text(name), read="postgres")
    assert isinstance(tree, exp.Query)
    assert {type(f).__name__ for f in tree.find_all(exp.Func) if not isinstance(f, PORTABLE)} == set()
    assert list(tree.find_all(exp.Div, exp.Mod, exp.Filter, exp.Window, exp.Interval, exp.Add, exp.Sub)) == []


@pytest.mark.parametrize("name", rollups.NAMES)
def test_it_never_leaves_a_precision_or_an_alias_to_the_engine(name: str) -> None:
    tree = sqlglot.parse_one(rollups.text(name), read="postgres")
    assert isinstance(tree, exp.Query)
    decimals = [cast.to for cast in tree.find_all(exp.Cast) if cast.to.this == exp.DataType.Type.DECIMAL]
    assert all(len(kind.expressions) == 2 for kind in decimals)
    assert all(isinstance(column, exp.Alias) for select in tree.find_all(exp.Select) for column in select.expressions)
    assert "::" not in rollups.text(name)


@pytest.mark.parametrize("name", rollups.NAMES)
def test_its_columns_are_those_of_its_measure_table(name: str) -> None:
    tree = sqlglot.parse_one(rollups.text(name), read="postgres")
    assert isinstance(tree, exp.Query)
    assert sorted(str(n) for n in tree.named_selects) == sorted(columns_of(ALL_TARGETS[name]))


def columns_of(target: Target) -> list[str]:
    """The columns of the table that the target fills, those that it packs as the text gives them."""
    columns = [str(f.column) for f in target.model._meta.concrete_fields if not f.primary_key]
    return [*(c for c in columns if c != "counts" or not target.packed), *target.packed]


def test_it_knows_no_other_names() -> None:
    with pytest.raises(KeyError):
        rollups.text("../conversion")
    with pytest.raises(KeyError):
        rollups.rewrite("market", "oracle")


# --- PostgreSQL against DuckDB ----------------------------------------------------------------------------------------
@pytest.fixture
def source(workspace: Workspace) -> Source:
    return new_source(workspace)


@pytest.fixture
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as database:
        yield database


def load(duck: duckdb.DuckDBPyConnection, folder: Path, order_by: str = "id") -> None:
    """Copy the fact tables into DuckDB, generated columns as plain ones."""
    for name in FACT_TABLES:
        table, file = f"facts_{name}", folder / f"{name}.csv"
        duck.execute(f"CREATE OR REPLACE TABLE {table} ({_columns(table)})")
        with connection.cursor() as cursor, file.open("wb") as out:
            statement = rf"COPY (SELECT * FROM {table} ORDER BY {order_by}) TO STDOUT (FORMAT csv, NULL '\N', HEADER)"
            with cursor.copy(statement) as rows:
                out.writelines(rows)
        duck.execute(rf"COPY {table} FROM '{file}' (FORMAT csv, NULLSTR '\N', HEADER)")


def _columns(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [table],
        )
        return ", ".join(f'"{name}" {kind}' for name, kind in cursor.fetchall())


def on_postgres(target: Target, workspace: Workspace, first: date, last: date) -> Rows:
    """What the measure table would get, sorted."""
    select = select_sql(target, columns_of(target))
    with connection.cursor() as cursor:
        cursor.execute(select, {"workspace": workspace.pk, "first": first, "last": last})
        return _sorted(cursor.fetchall())


def on_duckdb(duck: duckdb.DuckDBPyConnection, target: Target, workspace: Workspace, first: date, last: date) -> Rows:
    text = f"SELECT {', '.join(columns_of(target))} FROM ({rollups.rewrite(target.text, 'duckdb')}) AS rolled"
    return _sorted(duck.execute(text, {"workspace": workspace.pk, "first": first, "last": last}).fetchall())


def _sorted(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: tuple(str(value) for value in row))


SPANS = ((FIRST_DAY, FIRST_DAY + timedelta(weeks=WEEKS + 10)), (FIRST_DAY + timedelta(weeks=9), date(2024, 6, 3)))


@pytest.mark.parametrize("seed", [1, 2])
def test_postgres_and_duckdb_give_every_number_alike(
    workspace: Workspace, source: Source, duck: duckdb.DuckDBPyConnection, tmp_path: Path, seed: int
) -> None:
    RandomFacts(workspace, source, seed, WEEKS).create(1500)
    load(duck, tmp_path)
    for target in ALL_TARGETS.values():
        for first, last in SPANS:
            rows = on_postgres(target, workspace, first, last)
            assert len(rows) > 20, target.text
            assert rows == on_duckdb(duck, target, workspace, first, last), target.text


def test_the_order_of_rows_changes_nothing(
    workspace: Workspace, source: Source, duck: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    RandomFacts(workspace, source, 3, WEEKS).create(600)
    load(duck, tmp_path)
    before = {name: on_duckdb(duck, target, workspace, *SPANS[0]) for name, target in ALL_TARGETS.items()}
    load(duck, tmp_path, order_by="md5(id::text)")
    assert {name: on_duckdb(duck, target, workspace, *SPANS[0]) for name, target in ALL_TARGETS.items()} == before


def test_another_workspace_is_left_out(workspace: Workspace, source: Source) -> None:
    other = Workspace.objects.create(name="Other", slug="other", base_currency="EUR")
    RandomFacts(other, new_source(other), 4, WEEKS).create(100)
    assert [on_postgres(t, workspace, *SPANS[0]) for t in ALL_TARGETS.values()] == [[]] * len(ALL_TARGETS)


# --- what is counted --------------------------------------------------------------------------------------------------
DAY = date(2024, 3, 6)


def rolled(name: str, workspace: Workspace, first: date = FIRST_DAY, last: date = date(2026, 1, 1)) -> list[dict]:
    """The roll-up's rows as dicts without the workspace."""
    target = ALL_TARGETS[name]
    rows = on_postgres(target, workspace, first, last)
    return [dict(zip(columns_of(target), row, strict=True)) for row in rows]


def keep(workspace: Workspace, source: Source, *orders: dict) -> None:
    """Orders of DE from search, each a dict of its columns (`day` its date), and the first orders."""
    slice_ = {"market": "DE", "channel": "search", "state": "open"}
    Order.objects.bulk_create(
        order(workspace, source, n, **{"day": DAY, **slice_, **values}) for n, values in enumerate(orders)
    )
    set_first_orders(workspace)


def test_traffic_without_orders_leaves_orders_unknown(workspace: Workspace, source: Source) -> None:
    traffic = {"date": DAY, "week": week_of(DAY), "sessions": 40, "carts": None}
    Traffic.objects.create(workspace=workspace, source=source, external_id="1", **traffic)
    (row,) = rolled("conversion", workspace)
    assert (row["sessions"], row["carts"], row["orders"], row["net_base"]) == (40, None, None, None)


def test_sums_skip_what_is_unknown_and_stay_unknown_when_all_is(workspace: Workspace, source: Source) -> None:
    keep(
        workspace,
        source,
        {"customer": "a", "device": "mobile", "gross": Decimal(30), "cogs": Decimal(10)},
        {"customer": "b", "device": "mobile"},
        {"customer": "c", "device": "desktop"},
    )
    desktop, mobile = rolled("conversion", workspace)
    assert (mobile["orders"], mobile["priced_orders"], mobile["net_base"], mobile["net_squares"]) == (2, 1, 30, 900)
    assert (mobile["costed_orders"], mobile["costed_net_base"], mobile["contribution_base"]) == (1, 30, 20)
    assert (desktop["orders"], desktop["priced_orders"], desktop["net_base"]) == (1, 0, None)
    assert (desktop["costed_orders"], desktop["contribution_base"]) == (0, None)


def test_an_order_of_an_unknown_customer_is_neither_first_nor_not(workspace: Workspace, source: Source) -> None:
    keep(workspace, source, {"customer": "", "device": "x"}, {"customer": ""}, {"customer": "a"}, {"customer": "a"})
    mixed, unknown = rolled("conversion", workspace)
    assert (mixed["orders"], mixed["identified_orders"], mixed["first_orders"]) == (3, 2, 1)
    assert (unknown["orders"], unknown["identified_orders"], unknown["first_orders"]) == (1, 0, None)


@pytest.mark.parametrize("state", ["unpaid", "cancelled", "test"])
def test_orders_that_do_not_count_show_only_in_statuses(workspace: Workspace, source: Source, state: str) -> None:
    keep(workspace, source, {"customer": "a", "state": state, "status": "odd", "delivered_at": moment(DAY)})
    assert rolled("conversion", workspace) == rolled("aftersales", workspace) == rolled("cohorts", workspace) == []
    (row,) = rolled("statuses", workspace)
    assert (row["status"], row["state"], row["orders"]) == ("odd", state, 1)


def test_late_is_counted_by_time_stamp_and_by_calendar_date(workspace: Workspace, source: Source) -> None:
    promised = moment(date(2024, 3, 14), 9)
    keep(
        workspace,
        source,
        {"promised_at": promised, "delivered_at": moment(date(2024, 3, 14), 9)},
        {"promised_at": promised, "delivered_at": moment(date(2024, 3, 14), 10)},
        {"promised_at": promised, "delivered_at": moment(date(2024, 3, 15), 8)},
        {"promised_at": None, "delivered_at": moment(date(2024, 3, 15))},
        {"promised_at": promised, "delivered_at": None},
    )
    (row,) = rolled("aftersales", workspace)
    assert row["week"] == date(2024, 3, 11)
    assert (row["deliveries"], row["promised_deliveries"], row["late_by_time"], row["late_by_date"]) == (4, 3, 2, 1)


def test_without_promises_lateness_is_unknown(workspace: Workspace, source: Source) -> None:
    keep(workspace, source, {"delivered_at": moment(date(2024, 3, 14))})
    (row,) = rolled("aftersales", workspace)
    assert (row["deliveries"], row["promised_deliveries"], row["late_by_time"]) == (1, 0, None)
    assert (row["reviews"], row["refund_base"]) == (None, None)


def test_ratings_of_four_and_five_are_good(workspace: Workspace, source: Source) -> None:
    base = {"workspace": workspace, "source": source, "opened_at": moment(DAY), "week": week_of(DAY)}
    for number, csat in enumerate((None, "3.9", "4", "5")):
        proactive = None if csat is None else csat == "4"
        Ticket.objects.create(**base, external_id=str(number), csat=csat and Decimal(csat), proactive=proactive)
    (row,) = rolled("aftersales", workspace)
    assert (row["tickets"], row["csat_ratings"], row["csat_good"]) == (4, 3, 2)
    assert (row["proactive_known"], row["proactive_tickets"]) == (3, 1)


def test_reviews_keep_their_squares(workspace: Workspace, source: Source) -> None:
    base = {"workspace": workspace, "source": source, "reviewed_at": moment(DAY), "week": week_of(DAY)}
    for number, rating in enumerate(("4.5", "2")):
        Review.objects.create(**base, external_id=str(number), rating=Decimal(rating), review_date=DAY)
    (row,) = rolled("aftersales", workspace)
    assert (row["reviews"], row["rating_sum"], row["rating_squares"]) == (2, Decimal("6.5"), Decimal("24.25"))


def days(count: int) -> date:
    return DAY + timedelta(days=count)


def test_a_repeat_counts_up_to_the_last_day_of_its_window(workspace: Workspace, source: Source) -> None:
    keep(
        workspace,
        source,
        {"customer": "a"},
        {"customer": "a", "day": days(30)},
        {"customer": "a", "day": days(365)},
        {"customer": "b"},
        {"customer": "b", "day": days(31)},
        {"customer": "b", "day": days(366)},
        {"customer": "c"},
    )
    (row,) = rolled("cohorts", workspace)
    assert (row["customers"], row["repeaters_30"], row["repeaters_60"], row["repeaters_90"]) == (3, 1, 2, 2)
    assert (row["repeat_orders_90"], row["repeat_orders_365"]) == (2, 3)


def test_a_repeat_order_counts_up_to_day_ninety(workspace: Workspace, source: Source) -> None:
    keep(workspace, source, *({"customer": "a", "day": days(n)} for n in (0, 90, 91)))
    (row,) = rolled("cohorts", workspace)
    assert (row["repeaters_90"], row["repeat_orders_90"], row["repeat_orders_365"]) == (1, 1, 2)


def test_a_slice_of_repeat_orders_only_has_no_first_orders(workspace: Workspace, source: Source) -> None:
    keep(workspace, source, {"customer": "a"}, {"customer": "a", "device": "mobile", "gross": Decimal(8)})
    mobile = rolled("conversion", workspace)[1]
    assert (mobile["device"], mobile["orders"], mobile["first_orders"], mobile["first_priced_orders"]) == (
        "mobile",
        1,
        0,
        0,
    )
    assert mobile["first_net_base"] is None


def test_two_orders_on_one_day_are_one_first_order_and_a_repeat(workspace: Workspace, source: Source) -> None:
    keep(workspace, source, {"customer": "a", "gross": Decimal(5)}, {"customer": "a", "gross": Decimal(7)})
    (row,) = rolled("cohorts", workspace)
    assert (row["customers"], row["repeaters_30"], row["repeat_orders_365"], row["repeat_net_365"]) == (1, 1, 1, 7)


def test_contribution_is_of_customers_whose_every_order_is_costed(workspace: Workspace, source: Source) -> None:
    costed = {"gross": Decimal(10), "cogs": Decimal(4)}
    keep(
        workspace,
        source,
        {"customer": "a", **costed},
        {"customer": "a", "day": days(300), **costed},
        {"customer": "a", "day": days(366), "gross": Decimal(10)},  # too late to matter
        {"customer": "b", **costed},
        {"customer": "b", "day": days(20), "gross": Decimal(10)},
    )
    (row,) = rolled("cohorts", workspace)
    assert (row["customers"], row["costed_customers_365"]) == (2, 1)
    assert (row["contribution_365"], row["contribution_squares_365"]) == (12, 144)


def test_a_cohort_month_counts_each_active_customer_once(workspace: Workspace, source: Source) -> None:
    keep(
        workspace,
        source,
        {"customer": "a", "gross": Decimal(5)},
        {"customer": "a", "day": days(1)},
        {"customer": "b"},
        {"customer": "a", "day": date(2024, 4, 2), "market": "FR"},
    )
    march, april = rolled("cohort_months", workspace, date(2024, 3, 1), date(2024, 3, 1))
    assert (march["month"], march["customers"], march["orders"], march["net_base"]) == (date(2024, 3, 1), 2, 3, 5)
    assert (april["month"], april["market"], april["customers"], april["net_base"]) == (date(2024, 4, 1), "DE", 1, None)


def test_a_clicks_price_is_of_the_rows_that_tell_both(workspace: Workspace, source: Source) -> None:
    day = {"date": DAY, "week": week_of(DAY), "currency": "EUR", "fx_rate": Decimal(1)}
    told: list[dict] = [{"cost": 8, "impressions": 100, "clicks": 4}, {"cost": 9, "impressions": 50}, {"clicks": 6}]
    for number, values in enumerate(told):
        Spend.objects.create(workspace=workspace, source=source, external_id=str(number), **day, **values)
    (row,) = rolled("market", workspace)
    assert (row["cost_base"], row["impressions"], row["clicks"]) == (17, 150, 10)
    assert (row["cpc_cost_base"], row["cpc_clicks"], row["ctr_impressions"], row["ctr_clicks"]) == (8, 4, 100, 4)


def test_discounts_are_of_orders_that_tell_gross_and_discount(workspace: Workspace, source: Source) -> None:
    half = {"customer": "a", "gross": Decimal(40), "discount": Decimal(10), "fx_rate": Decimal("0.5")}
    keep(workspace, source, half, half | {"discount": Decimal(0)}, {"gross": Decimal(7)}, {"discount": Decimal(7)})
    (row,) = rolled("conversion", workspace)
    assert row["discount_orders"] == 2
    assert (row["discount_gross_base"], row["discount_base"], row["first_discount_base"]) == (40, 5, 5)
    squares = ("discount_gross_squares", "discount_squares", "discount_products")
    assert [row[name] for name in squares] == [20**2 + 20**2, 5**2, 20 * 5]


def test_units_are_the_orders_own_and_else_its_lines(workspace: Workspace, source: Source) -> None:
    keep(workspace, source, {"units": 4}, {}, {}, {"units": 1})
    for number, (ref, sku) in enumerate((("0", "S-1"), ("1", "S-1"), ("1", "S-2"), ("1", "S-2"))):
        key = {"workspace": workspace, "source": source, "external_id": str(number)}
        OrderLine.objects.create(**key, order_ref=ref, sku=sku, quantity=2)
    (row,) = rolled("conversion", workspace)
    assert (row["unit_orders"], row["units"], row["unit_squares"]) == (3, 11, 53)
    assert (row["basket_orders"], row["multi_orders"]) == (3, 1)  # four of one product are no basket of several


def test_phones_and_desktops_have_sessions_and_payments_of_their_own(workspace: Workspace, source: Source) -> None:
    for number, device in enumerate(("mobile", "desktop", "tablet")):
        told = {"date": DAY, "week": week_of(DAY), "device": device, "sessions": 10 * (number + 1), "payments": number}
        Traffic.objects.create(workspace=workspace, source=source, external_id=str(number), **told)
    rows = {row["device"]: row for row in rolled("conversion", workspace)}
    assert (rows["mobile"]["mobile_sessions"], rows["mobile"]["desktop_sessions"]) == (10, None)
    assert (rows["desktop"]["desktop_sessions"], rows["desktop"]["desktop_payments"]) == (20, 1)
    assert (rows["tablet"]["mobile_sessions"], rows["tablet"]["desktop_payments"]) == (None, None)


def test_nine_and_ten_promote_and_six_detracts(workspace: Workspace, source: Source) -> None:
    base = {"workspace": workspace, "source": source, "answered_at": moment(DAY), "week": week_of(DAY)}
    for score in (10, 9, 8, 7, 6, 0):
        SurveyAnswer.objects.create(**base, external_id=str(score), score=score)
    (row,) = rolled("aftersales", workspace)
    assert (row["survey_answers"], row["promoters"], row["passives"], row["detractors"]) == (6, 2, 2, 2)


def follow(model: Any, parent: Order, day: date, **values: object) -> None:
    """A record of `model` that belongs to an order, on a day of its own."""
    known = {"workspace_id": parent.workspace_id, "source_id": parent.source_id, "week": week_of(day)}
    model.objects.create(**known, order_ref=parent.external_id, order_id=parent.pk, order_week=parent.week, **values)


def give_back(parent: Order, day: date, amount: object, number: int = 0) -> None:
    """A refund of an order, on a day of its own."""
    given = {"external_id": f"{parent.external_id}-{number}", "currency": "EUR", "fx_rate": 1, "amount": amount}
    follow(Refund, parent, day, refunded_at=moment(day), refund_date=day, **given)


def test_cohorts_count_apart_whose_first_order_came_late_or_was_answered_slowly(
    workspace: Workspace, source: Source
) -> None:
    """a: late and a slow answer, once again; b: in time and a quick answer, twice again; c: neither."""
    promised = {"promised_at": moment(days(5))}
    late, in_time = promised | {"delivered_at": moment(days(6))}, promised | {"delivered_at": moment(days(5))}
    keep(
        workspace,
        source,
        {"customer": "a", **late},
        {"customer": "b", **in_time},
        {"customer": "c", "delivered_at": moment(days(9))},
        {"customer": "a", "day": days(20), **in_time},
        *({"customer": "b", "day": days(n), "promised_at": moment(days(90)), **late} for n in (30, 90)),
    )
    of_a, of_b = Order.objects.order_by("id")[:2]
    for number, (parent, hours) in enumerate(((of_a, 1), (of_a, 25), (of_b, 24))):
        asked = {"opened_at": moment(DAY), "first_reply_at": moment(DAY) + timedelta(hours=hours)}
        follow(Ticket, parent, DAY, external_id=str(number), **asked)
    give_back(of_a, days(8), 1)
    (row,) = rolled("cohorts", workspace)
    told = {name: row[f"{name}_customers"] for name in ("promised", "late", "answered", "slow")}
    again = {name: row[f"{name}_repeat_orders_90"] for name in told}
    assert told == {"promised": 2, "late": 1, "answered": 2, "slow": 1}
    assert again == {"promised": 3, "late": 1, "answered": 3, "slow": 1}


def test_a_refund_is_taken_off_its_customers_cohort_on_its_own_day(workspace: Workspace, source: Source) -> None:
    """40 at first and 40 on day 100; of the first 10 come back on day 20, of the second 5 on day 200, 7 on day 366."""
    keep(workspace, source, *({"customer": "a", "day": days(n), "gross": 60, "cogs": 20} for n in (0, 100)))
    first, second = Order.objects.order_by("id")
    Order.objects.filter(pk=second.pk).update(market="FR")
    for number, (parent, at, amount) in enumerate(((first, 20, 10), (second, 200, 5), (second, 366, 7))):
        give_back(parent, days(at), amount, number)
    (row,) = rolled("cohorts", workspace)
    by_age = [row[f"contribution_{age}"] for age in ("first", "30", "60", "90", "180", "365")]
    assert (row["market"], by_age) == ("DE", [40, 30, 30, 30, 70, 65])
    assert row["contribution_squares_365"] == 65 * 65
    assert (row["repeat_orders_365"], row["repeat_net_365"]) == (1, 60)


def test_a_refund_on_the_day_of_the_first_order_or_dated_before_it_leaves_that_less(
    workspace: Workspace, source: Source
) -> None:
    keep(workspace, source, {"customer": "a", "gross": 60, "cogs": 20})
    give_back(Order.objects.get(), DAY, 3)
    give_back(Order.objects.get(), days(-2), 4, 1)
    (row,) = rolled("cohorts", workspace)
    assert (row["contribution_first"], row["contribution_365"]) == (33, 33)


@pytest.mark.parametrize("state", ["unpaid", "cancelled", "test"])
def test_a_refund_of_an_order_that_does_not_count_is_not_taken_off(
    workspace: Workspace, source: Source, state: str
) -> None:
    costed = {"customer": "a", "gross": 60, "cogs": 20}
    keep(workspace, source, costed, {**costed, "state": state})
    give_back(Order.objects.get(state=state), days(5), 60)
    (row,) = rolled("cohorts", workspace)
    assert (row["customers"], row["costed_customers_365"], row["contribution_365"]) == (1, 1, 40)


def test_a_refund_of_another_sources_order_of_the_same_number_is_not_taken_off(
    workspace: Workspace, source: Source
) -> None:
    keep(workspace, source, {"customer": "a", "gross": 60, "cogs": 20})
    other = order(workspace, new_source(workspace, "other"), 0, DAY, customer="", gross=60, cogs=20)
    other.save()
    give_back(other, days(5), 60)
    (row,) = rolled("cohorts", workspace)
    assert row["contribution_365"] == 40


def test_a_refund_of_an_unknown_amount_makes_its_customers_contribution_unknown(
    workspace: Workspace, source: Source
) -> None:
    keep(workspace, source, *({"customer": who, "gross": 60, "cogs": 20} for who in "ab"))
    give_back(Order.objects.get(customer="b"), days(5), None)
    (row,) = rolled("cohorts", workspace)
    assert (row["customers"], row["costed_customers_365"], row["contribution_365"]) == (2, 1, 40)


def test_an_order_that_two_invited_to_is_one_conversion(workspace: Workspace, source: Source) -> None:
    keep(workspace, source, {"customer": "a", "day": days(20)}, {"customer": "a", "day": days(21)})
    first, second = Order.objects.order_by("id")
    for number, parent in enumerate((first, first, second)):
        follow(Referral, parent, DAY, external_id=str(number), invited_at=moment(DAY), referrer="c")
    invited, ordered = rolled("aftersales", workspace)
    assert (invited["week"], invited["invitations"], invited["referred_first_orders"]) == (week_of(DAY), 3, None)
    assert (ordered["week"], ordered["invitations"], ordered["referred_first_orders"]) == (week_of(days(20)), None, 1)


def test_a_reviewed_delivery_counts_once_in_the_week_of_its_delivery(workspace: Workspace, source: Source) -> None:
    arrived = {"delivered_at": moment(days(7))}
    keep(workspace, source, arrived, arrived | {"state": "returned"}, arrived | {"state": "cancelled"}, {})
    reviewed = Order.objects.order_by("id")[0]
    for number in range(2):
        review = {"rating": 5, "reviewed_at": moment(days(60)), "review_date": days(60)}
        follow(Review, reviewed, days(60), external_id=str(number), **review)
    rows = {row["week"]: row for row in rolled("followups", workspace)}
    row = rows[week_of(days(7))]
    assert (row["followed_deliveries"], row["reviewed_deliveries"], row["returned_deliveries"]) == (2, 1, 1)


@pytest.mark.parametrize(("after", "contacted"), [("-0.1", None), ("0", 1), ("14", 1), ("14.0001", None)])
def test_a_contact_within_fourteen_days_is_the_orders_first(
    workspace: Workspace, source: Source, after: str, contacted: int | None
) -> None:
    keep(workspace, source, {"customer": "a"}, {"customer": "a"})
    first = Order.objects.order_by("id")[0]
    follow(Ticket, first, DAY, external_id="1", opened_at=moment(DAY), days_after_order=Decimal(after))
    (row,) = rolled("followups", workspace)
    assert (row["followed_orders"], row["followed_customers"]) == (2, 1)
    assert (row["contacted_orders"], row["contacted_customers"]) == (contacted, contacted)


def test_a_ticket_of_our_own_waits_for_no_reply(workspace: Workspace, source: Source) -> None:
    base = {"workspace": workspace, "source": source, "opened_at": moment(DAY), "week": week_of(DAY)}
    for number, (minutes, proactive) in enumerate(((7, None), (9, False), (1_501, False), (20, True), (None, False))):
        reply = None if minutes is None else moment(DAY) + timedelta(minutes=minutes)
        Ticket.objects.create(**base, external_id=str(number), first_reply_at=reply, proactive=proactive)
    (row,) = rolled("followups", workspace)
    assert (row["answered_tickets"], row["reply_minutes"]) == (3, 1_517)
    counts = [(r["what"], r["bucket"], r["facts"]) for r in rolled("durations", workspace)]
    assert counts == [("reply", 1_500, 1), ("reply", 5, 2)]


@pytest.mark.parametrize(("hours", "bucket"), [(-3, 0), (0, 0), (1, 60), (1.99, 60), (2160, 129_600), (9000, 129_600)])
def test_a_delivery_falls_into_the_bucket_of_its_whole_hours(
    workspace: Workspace, source: Source, hours: float, bucket: int
) -> None:
    keep(workspace, source, {"delivered_at": moment(DAY) + timedelta(hours=hours)}, {"delivered_at": None})
    (row,) = rolled("durations", workspace)
    assert (row["what"], row["bucket"], row["facts"]) == ("delivery", bucket, 1)


def test_a_methods_success_is_of_paid_and_unpaid_orders(workspace: Workspace, source: Source) -> None:
    keep(workspace, source, *({"payment_method": "pix", "state": s} for s in ("open", "unpaid", "cancelled", "test")))
    (row,) = rolled("payments", workspace)
    assert (row["method"], row["placed_orders"], row["paid_orders"], row["payments"]) == ("pix", 2, 1, None)


def test_campaigns_keep_what_was_sent_where_orders_are_told(workspace: Workspace, source: Source) -> None:
    told = {"sent_at": moment(DAY), "week": week_of(DAY)}
    for number, values in enumerate(({"sent": 100, "ordered": 3}, {"sent": 50}, {"ordered": 9})):
        key = {"workspace": workspace, "source": source, "external_id": str(number)}
        CustomerCampaign.objects.create(**key, **told, **values)
    (row,) = rolled("followups", workspace)
    assert (row["campaign_sent"], row["campaign_ordered"], row["campaign_order_sent"]) == (150, 3, 100)


def test_contribution_is_kept_by_the_customers_age(workspace: Workspace, source: Source) -> None:
    costed = {"customer": "a", "gross": Decimal(10), "cogs": Decimal(4)}
    keep(workspace, source, *(costed | {"day": days(n)} for n in (0, 30, 31, 90, 365)))
    (row,) = rolled("cohorts", workspace)
    names = ("first", "30", "60", "90", "180", "365")
    assert [row[f"contribution_{name}"] for name in names] == [6, 12, 18, 24, 24, 30]


def test_spend_without_a_rate_is_unknown(workspace: Workspace, source: Source) -> None:
    day = {"date": DAY, "week": week_of(DAY), "currency": "USD", "cost": Decimal(5), "clicks": 3}
    Spend.objects.create(workspace=workspace, source=source, external_id="1", fx_rate=None, **day)
    (row,) = rolled("market", workspace)
    assert (row["cost_base"], row["impressions"], row["clicks"]) == (None, None, 3)
