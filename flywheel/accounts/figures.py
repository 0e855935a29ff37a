"""A figure in words that remembers the figure, so that a file of the same table can hold it."""

from datetime import date
from decimal import Decimal


class Figure(str):
    """What a page says; `value` is what it says it of, `currency` the money's code or ''."""

    __slots__ = ("currency", "value")
    value: float | int | Decimal | date | None
    currency: str

    def __new__(cls, text: str, value: float | int | Decimal | date | None = None, currency: str = "") -> "Figure":
        made = super().__new__(cls, text)
        made.value, made.currency = value, currency
        return made
