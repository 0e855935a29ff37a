"""What a kind of fact is made of, and the columns that several kinds have."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from django.conf import settings
from django.db.models import Model
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from flywheel.intake import derive
from flywheel.intake.derive import Derived
from flywheel.intake.kinds.headers import COMMON
from flywheel.intake.vocabulary import Choice, plain

Words = str | Promise


@dataclass(frozen=True)
class Column:
    """One column of a kind's generic template.

    `type` is a key of `parsing.PARSERS`. `target` is the model's column ('' when it only feeds derived ones).
    `default` fills a blank cell. `yields`: where the fact belongs to an order that is known, the order's own value
    wins. `per_unit`: an amount that is not added up where rows are. `choice`: its words stand for something, which
    fills the column that the choice names. `examples` are the cells of the template's example rows.
    """

    name: str
    type: str
    label: Words
    examples: tuple[str, str]
    target: str | None = None
    required: bool = False
    help: Words = ""
    aliases: tuple[str, ...] = ()
    default: str = ""
    yields: bool = False
    per_unit: bool = False
    choice: Choice | None = None

    @property
    def model_column(self) -> str:
        """The column of the fact table that this one fills; '' for none."""
        return self.name if self.target is None else self.target

    @cached_property
    def words(self) -> list[str]:
        """What a file may call the column beside its name, plain: its other names, and its label in every language."""
        found = [*self.aliases, *COMMON.get(self.name, ())]
        for code, _name in settings.LANGUAGES:
            with translation.override(code):
                found.append(str(self.label))
        return list(dict.fromkeys(map(plain, found)))

    @property
    def meanings(self) -> tuple[tuple[str, Words], ...]:
        """What the column's words can stand for, as (value, label); none when they are what they are."""
        return self.choice.meanings if self.choice else ()


@dataclass(frozen=True)
class NamedColumns:
    """Columns of a file headed by a word and a name of their own, such as `score: design`.

    Each of them takes one of `pairs`: the field of its name, which gets a fixed value, and the field of its cells.
    `heading` (with `%(name)s`) and `examples` make the headers of the template, `help` says what they are.
    """

    words: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    heading: Words
    examples: tuple[Words, Words]
    help: Words

    @property
    def fields(self) -> set[str]:
        """Every field of the pairs."""
        return {name for pair in self.pairs for name in pair}

    def name_in(self, header: str) -> str:
        """The name in such a header; '' when it is another one."""
        words = "|".join(map(re.escape, self.words))
        match = re.fullmatch(rf"\s*(?:{words})\s*[:：_]\s*(\S.*?)\s*", header, re.IGNORECASE)
        return match[1] if match else ""

    def found_in(self, header: Sequence[str], columns: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """The columns and fixed values of a plan that already has `columns`: those that such headers add to it."""
        taken = set(columns.values())
        free = [pair for pair in self.pairs if pair[0] not in columns and pair[1] not in columns]
        named = [(name, self.name_in(name)) for name in header if name not in taken]
        chosen = list(zip(free, [pair for pair in named if pair[1]], strict=False))
        return {cells: title for (_, cells), (title, _) in chosen}, {field: name for (field, _), (_, name) in chosen}


@dataclass(frozen=True)
class Kind:
    """A kind of fact: what is in a file of it, and how a row becomes a record.

    `key` names the columns whose values as they are stored, joined by `key_separator`, are the external id (blank ones
    at the end are left off); where all are blank, `key_otherwise` does. `repeats`: rows with one key are different
    records, numbered in the order of the file; otherwise equal rows collapse and different ones are an error.
    """

    slug: str
    label: Words
    help: Words
    model: type[Model]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    key_separator: str = ":"
    key_otherwise: tuple[str, ...] = ()
    repeats: bool = False
    derived: tuple[Derived, ...] = ()
    named: NamedColumns | None = None
    by_name: Mapping[str, Column] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})
        meanings = tuple(_meaning(column, column.choice) for column in self.columns if column.choice)
        object.__setattr__(self, "derived", (*meanings, *self.derived))

    @property
    def required(self) -> list[Column]:
        """The columns that every row must have."""
        return [column for column in self.columns if column.required]


def _meaning(column: Column, choice: Choice) -> Derived:
    """The fact table's column that is filled by what the column's words stand for."""
    compute = derive.meaning_of(column.name, choice)
    return Derived(choice.target, compute, needs=(column.name,), follows=column.model_column)


def text(name: str, label: Words, *examples: str, **options: object) -> Column:
    """A column of short texts, such as codes."""
    return Column(name, "code", label, _pair(examples), **options)  # type: ignore[arg-type]


def long_text(name: str, label: Words, *examples: str, **options: object) -> Column:
    """A column of texts."""
    return Column(name, "text", label, _pair(examples), **options)  # type: ignore[arg-type]


def money(name: str, label: Words, *examples: str, **options: object) -> Column:
    """A column of amounts."""
    return Column(name, "money", label, _pair(examples), **options)  # type: ignore[arg-type]


def count(name: str, label: Words, *examples: str, **options: object) -> Column:
    """A column of counts."""
    return Column(name, "integer", label, _pair(examples), **options)  # type: ignore[arg-type]


def time(name: str, label: Words, *examples: str, **options: object) -> Column:
    """A column of points in time."""
    return Column(name, "timestamp", label, _pair(examples), **options)  # type: ignore[arg-type]


def number(name: str, label: Words, *examples: str, **options: object) -> Column:
    """A column of numbers of zero or more."""
    return Column(name, "number", label, _pair(examples), **options)  # type: ignore[arg-type]


def customer(name: str, label: Words, *examples: str, **options: object) -> Column:
    """A person's id; an e-mail address in it becomes its hash."""
    return Column(name, "person", label, _pair(examples), help=PERSONAL, **options)  # type: ignore[arg-type]


def _pair(examples: tuple[str, ...]) -> tuple[str, str]:
    return (*examples, "", "")[:2]  # type: ignore[return-value]


def market(**options: object) -> Column:
    """The market, by its code; a country by its two letters, however it is written."""
    aliases = ("country", "region", "shipping_country")
    return Column("market", "country", _("Market"), ("DE", "US"), aliases=aliases, **options)  # type: ignore[arg-type]


def channel(**options: object) -> Column:
    """The channel, by its code."""
    aliases = ("acquisition_channel", "utm_source", "sales_channel", "marketing_channel")
    return text("channel", _("Channel"), "paid_search", "direct", aliases=aliases, **options)


def device() -> Column:
    """The kind of device."""
    return Column(
        "device", "device", _("Device"), ("mobile", "desktop"), aliases=("platform", "device_category", "device_type")
    )


def order(**options: object) -> Column:
    """The order that a record belongs to."""
    return Column(
        "order_id",
        "id",
        _("Order"),
        ("A-1001", "A-1002"),
        target="order_ref",
        aliases=("order", "order_number", "order_no"),
        **options,  # type: ignore[arg-type]
    )


def currency(**options: object) -> Column:
    """The currency of the row's amounts."""
    return Column(
        "currency",
        "currency",
        _("Currency"),
        ("EUR", "USD"),
        help=_("Three letters, such as EUR."),
        aliases=("currency_code",),
        **options,  # type: ignore[arg-type]
    )


def date() -> Column:
    """The calendar date."""
    return Column("date", "date", _("Date"), ("2026-03-02", "2026-03-03"), required=True, aliases=("day",))


PERSONAL = _("An e-mail address is never stored: only its keyed hash is.")
