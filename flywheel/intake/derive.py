"""Columns that follow from other columns of the same row, computed for a whole chunk of rows at a time."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from flywheel.facts import calendar, currency, rates
from flywheel.intake.parsing import Parsed, Reading, Times, day_texts
from flywheel.intake.vocabulary import Choice, plain

FUTURE_WEEKS = "future_weeks"  # a key of words.NOTES
CARRIED_RATES = "carried_rates"  # a key of words.NOTES


@dataclass(frozen=True)
class Derived:
    """A column of the fact table that follows from columns of the file.

    It is filled when any of `needs` (columns of the file) is read. When a known fact is updated it changes with
    `follows` (a column of the table): a blank there leaves it alone. What is not `guarded` is put right later
    by `facts.upkeep`, so it neither makes a row "changed" nor is it touched while `follows` stays the same.
    """

    target: str
    compute: "Compute"
    needs: tuple[str, ...]
    follows: str = ""
    guarded: bool = True


@dataclass(frozen=True)
class Business:
    """What a row's meaning depends on beside the row: the workspace's money and calendar, the markets' zones."""

    base_currency: str
    zone: str
    first_weekday: int
    market_zones: dict[str, str]  # only markets with a zone of their own
    values: dict[str, dict[str, str]]  # column -> the mapping's {word of the file: our word}
    rates: rates.Known
    today: np.datetime64  # in the workspace's zone


@dataclass(frozen=True)
class Problem:
    """Something wrong with one cell: the row's position in the chunk, the column's name, and what was expected."""

    at: int
    column: str
    code: str
    value: str
    detail: str = ""


@dataclass
class Rows:
    """A chunk of rows being made ready: its parsed and derived columns by name, and what is wrong with them."""

    count: int
    business: Business
    reading: Reading
    columns: dict[str, Parsed] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)

    def taken(self, kept: list[int]) -> "Rows":
        """Some of the rows, by position, with their columns' texts only."""
        columns = {name: Parsed([parsed.texts[at] for at in kept]) for name, parsed in self.columns.items()}
        return Rows(len(kept), self.business, self.reading, columns, notes=self.notes)

    def texts(self, name: str) -> list[str]:
        """A column's texts; blanks when the file does not have it."""
        parsed = self.columns.get(name)
        return parsed.texts if parsed else [""] * self.count

    def days(self, name: str) -> Times:
        """A column of dates, or a column of times as dates in the workspace's zone."""
        times = self.columns[name].times
        if times is None:
            raise TypeError(f"{name} is not a column of time")
        if times.dtype == np.dtype("datetime64[D]"):
            return times
        return calendar.to_local(times, self.business.zone).astype("datetime64[D]")


Compute = Callable[[Rows], Parsed]


def day_of(name: str) -> Compute:
    """The calendar date in the workspace's zone."""
    return lambda rows: _dates(rows.days(name))


def week_of(name: str) -> Compute:
    """The first day of the date's week."""
    return lambda rows: _dates(calendar.week_starts(rows.days(name), rows.business.first_weekday))


def note_future_weeks(rows: Rows) -> None:
    """Remark on rows of weeks that have not begun: a date that was read wrongly, more often than one that is meant."""
    times = rows.columns["week"].times if "week" in rows.columns else None
    if times is not None and (ahead := int((times > rows.business.today).sum())):
        rows.notes[FUTURE_WEEKS] = ahead


def month_of(name: str) -> Compute:
    """The first day of the date's month."""
    return lambda rows: _dates(calendar.month_starts(rows.days(name)))


def market_day_of(name: str) -> Compute:
    """The calendar date in the row's market, where the market has a zone of its own; a bare date is that date."""

    def compute(rows: Rows) -> Parsed:
        times = rows.columns[name].times
        days = rows.days(name)
        zones = rows.business.market_zones
        if times is not None and zones and "market" in rows.columns:
            markets = np.array(rows.texts("market"), dtype=object)
            for market in set(markets.tolist()) & zones.keys():
                mine = markets == market
                days[mine] = calendar.to_local(times[mine], zones[market]).astype("datetime64[D]")
        bare = rows.columns[name].dates
        return _dates(days if bare is None else np.where(np.isnat(bare), days, bare))

    return compute


def is_bare_date(name: str) -> Compute:
    """Whether the cell is a date without a time of day."""

    def compute(rows: Rows) -> Parsed:
        bare = rows.columns[name].dates
        known = np.zeros(rows.count, dtype=bool) if bare is None else ~np.isnat(bare)
        return Parsed(["t" if is_bare else "f" for is_bare in known.tolist()])

    return compute


def fx_rate(date_name: str, of: str = "") -> Compute:
    """Base-currency units per unit of the row's currency; a problem where there is no rate.

    `of`: a column of amounts in a file where the currency may be blank, but not beside an amount.
    """

    def compute(rows: Rows) -> Parsed:
        codes, days = rows.texts("currency"), rows.days(date_name)
        found = currency.rates(codes, days, rows.business.base_currency, rows.business.rates.table)
        for at in np.flatnonzero(found.missing & ~np.isnat(days)).tolist():
            if codes[at]:
                rows.problems.append(Problem(at, "currency", "rate", codes[at], f"{codes[at]} {days[at]}"))
        for at, amount in enumerate(rows.texts(of)) if of else ():
            if amount and not codes[at]:
                rows.problems.append(Problem(at, "currency", "required", ""))
        if carried := int(found.carried.sum()):
            rows.notes[CARRIED_RATES] = rows.notes.get(CARRIED_RATES, 0) + carried
        return Parsed(found.texts)

    return compute


def named_numbers(pairs: Sequence[tuple[str, str]]) -> Compute:
    """A JSON object of name -> number, of pairs of columns; '' where no number is known, a problem for one unnamed."""

    def compute(rows: Rows) -> Parsed:
        known: list[dict[str, str]] = [{} for _ in range(rows.count)]
        for field_of_name, field_of_number in pairs:
            for at, (name, number) in enumerate(
                zip(rows.texts(field_of_name), rows.texts(field_of_number), strict=True)
            ):
                if number and not name:
                    rows.problems.append(Problem(at, field_of_name, "required", ""))
                elif number:
                    known[at][name] = number
        return Parsed([_as_json(numbers) for numbers in known])

    return compute


def _as_json(numbers: dict[str, str]) -> str:
    """Numbers keep their digits; '' for none."""
    members = (f"{json.dumps(name, ensure_ascii=False)}: {Decimal(text):f}" for name, text in numbers.items())
    return "{" + ", ".join(members) + "}" if numbers else ""


def past_day(name: str) -> Compute:
    """The calendar date; a problem for one that has not come."""

    def compute(rows: Rows) -> Parsed:
        days = rows.days(name)
        latest = rows.business.today + np.timedelta64(1, "D")  # it may be tomorrow already where the rate was made
        rows.problems.extend(
            Problem(at, name, "future", str(days[at])) for at in np.flatnonzero(days > latest).tolist()
        )
        return _dates(days)

    return compute


def per_euro(rows: Rows) -> Parsed:
    """Units of the row's currency per euro; a problem where the file says that the euro itself is not one euro."""
    found = rows.columns["per_euro"]
    pairs = zip(rows.texts("currency"), found.texts, strict=True)
    wrong = [at for at, (code, text) in enumerate(pairs) if code == currency.EURO and text and float(text) != 1]
    rows.problems.extend(Problem(at, "per_euro", "euro", found.texts[at]) for at in wrong)
    return found


def customer_ref(rows: Rows) -> Parsed:
    """The source's id of the customer; the hash of the e-mail stands in for a missing one."""
    pairs = zip(rows.texts("customer_id"), rows.texts("customer_email"), strict=True)
    return Parsed([known or mail for known, mail in pairs])


def customer(rows: Rows) -> Parsed:
    """The person as far as the row tells: the hash of the e-mail, else the customer's id."""
    pairs = zip(rows.texts("customer_email"), rows.texts("customer_id"), strict=True)
    return Parsed([mail or known for mail, known in pairs])


def meaning_of(name: str, choice: Choice) -> Compute:
    """What the words of a column stand for; a problem for a word that stands for nothing, unless the choice is open."""

    def compute(rows: Rows) -> Parsed:
        words = rows.texts(name)
        understood = choice.understood(rows.business.values.get(name, {}))
        meanings = {word: understood.get(plain(word), "") for word in set(words)} | {"": choice.blank}
        unknown = {word for word, meaning in meanings.items() if word and not meaning}
        if unknown and not choice.open:
            bad = (at for at, word in enumerate(words) if word in unknown)
            rows.problems.extend(Problem(at, name, "choice", words[at], choice.name) for at in bad)
        return Parsed(list(map(meanings.__getitem__, words)))

    return compute


def _dates(days: Times) -> Parsed:
    return Parsed(day_texts(days), days)
