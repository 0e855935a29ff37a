"""First orders kept as orders arrive are those that a look at all orders would find."""

import random
from pathlib import Path

import pytest
from django.db import connection

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Market
from tests.builders import Row, loaded, order

pytestmark = pytest.mark.django_db
_FROM_ALL_ORDERS = """
SELECT customer, order_id, ordered_at, order_date, week, month, market, channel, second_date FROM (
    SELECT customer, id AS order_id, ordered_at, order_date, week, month, market, channel,
        row_number() OVER in_time AS place, lead(order_date) OVER in_time AS second_date
    FROM facts_order WHERE workspace_id = %(workspace)s AND counts AND customer <> ''
    WINDOW in_time AS (PARTITION BY customer ORDER BY ordered_at, id)
) AS ranked WHERE place = 1 ORDER BY customer
"""
_KEPT = """
SELECT customer, order_id, ordered_at, order_date, week, month, market, channel, second_date
FROM facts_firstorder WHERE workspace_id = %(workspace)s ORDER BY customer
"""


def _rows(statement: str, workspace: Workspace) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"workspace": workspace.pk})
        return cursor.fetchall()


def _some_order(chance: random.Random) -> Row:
    """One of few customers, days and numbers, so that ties, corrections and late orders are frequent."""
    return order(
        f"A-{chance.randrange(60)}",
        customer_id=f"C-{chance.randrange(8)}",
        market=chance.choice(["", "DE", "US"]),
        status=chance.choice(["paid", "paid", "paid", "cancelled"]),
        ordered_at=f"2026-0{chance.randint(1, 4)}-0{chance.randint(1, 3)} {chance.choice(['09:00', '23:30'])}",
        delivered_at=f"2026-05-0{chance.randint(1, 3)} 23:30",
    )


def _some_people(chance: random.Random) -> list[Row]:
    return [
        {"customer_id": f"C-{at}", "person_id": f"P-{at // 2}", "market": chance.choice(["", "FR"])}
        for at in chance.sample(range(8), 3)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_kept_first_orders_are_those_of_all_orders(workspace: Workspace, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    Market.objects.create(workspace=workspace, code="US", time_zone="America/Los_Angeles")
    for _ in range(10):
        if chance.random() < 0.2:
            loaded(workspace, tmp_path, "customers", _some_people(chance))
        else:
            rows = {row["order_id"]: row for row in (_some_order(chance) for _ in range(chance.randint(1, 12)))}
            loaded(workspace, tmp_path, "orders", list(rows.values()), source=chance.choice(["shop", "market place"]))
        kept = _rows(_KEPT, workspace)
        assert kept == _rows(_FROM_ALL_ORDERS, workspace)
    assert kept
