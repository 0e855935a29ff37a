"""A loader's tables in the test's database: made and filled on a connection of their own, as a loader does."""

import contextlib
from collections.abc import Iterator, Mapping

import psycopg
from django.db import connection
from psycopg import sql

from tests import servers

SCHEMA = "shop"
ORDERS = """
CREATE TABLE shop.orders (order_id varchar, customer_id varchar, market varchar, channel varchar, status varchar,
    ordered_at timestamptz, currency varchar, gross numeric(38, 9), tags jsonb, _dlt_load_id varchar NOT NULL,
    _dlt_id varchar NOT NULL);
CREATE TABLE shop._dlt_loads (load_id varchar NOT NULL, schema_name varchar, status bigint NOT NULL,
    inserted_at timestamptz NOT NULL, schema_version_hash varchar);
"""


class Loader:
    """Writes orders as dlt does: rows stamped with their load, and the load's row when it is complete."""

    def __init__(self, conn: "psycopg.Connection[tuple]") -> None:
        self.conn = conn
        self.loads = 0

    def run(self, statement: str) -> None:
        """Any statement."""
        self.conn.execute(statement)

    def load(self, *rows: Mapping[str, object], complete: bool = True) -> str:
        """One load of these rows; returns its id."""
        self.loads += 1
        load_id = f"1772{self.loads:06}.{self.loads}"
        for at, row in enumerate(rows):
            self.insert("orders", {**row, "_dlt_load_id": load_id, "_dlt_id": f"{load_id}-{at}"})
        if complete:
            self.complete(load_id)
        return load_id

    def complete(self, load_id: str) -> None:
        """The load's row, as dlt writes it last."""
        self.conn.execute("INSERT INTO shop._dlt_loads VALUES (%s, 'shop', 0, clock_timestamp(), 'x')", [load_id])

    def insert(self, table: str, row: Mapping[str, object]) -> None:
        """One row into a table of the loader's schema."""
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(SCHEMA, table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Literal, row.values())),
        )
        self.conn.execute(statement)


@contextlib.contextmanager
def loader(database: str = "") -> Iterator[Loader]:
    """A loader with an empty schema "shop", which is gone afterwards."""
    url = servers.url_of(database or connection.settings_dict["NAME"])
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("DROP SCHEMA IF EXISTS shop CASCADE")
        conn.execute("CREATE SCHEMA shop")
        try:
            yield Loader(conn)
        finally:
            conn.execute("DROP SCHEMA shop CASCADE")
