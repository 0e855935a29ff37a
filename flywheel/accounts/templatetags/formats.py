"""Template filters and tags that turn figures into words, in the reader's language. No arithmetic beyond rounding."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeGuard

from babel import Locale, dates, numbers, units
from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils import timezone, translation
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.figures import Figure
from flywheel.accounts.sparklines import Sparkline
from flywheel.accounts.words import ENGINES, reason_words

register = template.Library()

NOTHING = "–"
MINUS = "−"
WHOLE_MONEY_FROM = 100  # amounts from here on are shown without cents
COMPACT_FROM = 1_000_000  # estimates from here on are shown as 1.2M / 120万
DECIMALS_BELOW = 100  # compact figures below it keep a decimal
SMALL_RATE = 0.1  # rates below it get a second decimal, so that 2.31 % and 2.38 % differ

CONTROL_LOOKS = {"select": "form-select", "checkbox": "form-check-input", "radio": "form-check-input"}

Number = float | int | Decimal


def reader_locale() -> Locale:
    """Babel's locale of the active language."""
    return Locale.parse("zh_CN" if (translation.get_language() or "en").startswith("zh") else "en_US")


def _known(value: object) -> TypeGuard[Number]:
    """Whether there is a figure at all."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return False
    return math.isfinite(value)


def _typeset(text: str, value: Number, currency: str = "") -> Figure:
    """The text with a real minus sign, and what it tells."""
    return Figure(text.replace("-", MINUS), value, currency)


def _pattern(digits: int) -> str:
    """A Babel number pattern with a fixed number of decimals."""
    return "#,##0" + ("." + "0" * digits if digits else "")


@register.filter
def number(value: Number | None, digits: int = 0) -> str:
    """1234.5 -> "1,235"; with `digits` decimals."""
    if not _known(value):
        return NOTHING
    return _typeset(numbers.format_decimal(value, _pattern(int(digits)), locale=reader_locale()), value)


@register.filter
def money(value: Number | None, currency: str) -> str:
    """An amount with its currency sign; cents only below 100."""
    if not _known(value):
        return NOTHING
    whole = abs(float(value)) >= WHOLE_MONEY_FROM
    pattern = "¤#,##0" if whole else None
    text = numbers.format_currency(value, currency, pattern, locale=reader_locale(), currency_digits=not whole)
    return _typeset(text, value, currency)


def _compacts_from() -> int:
    """The smallest figure that the active language shortens: thousands in English, 万 in Chinese."""
    return 10_000 if reader_locale().language == "zh" else 1_000


@register.filter
def compact_money(value: Number | None, currency: str) -> str:
    """1,234,567 EUR -> "€1.2M" or "€123.5万"; small amounts as `money` writes them."""
    if not _known(value):
        return NOTHING
    if abs(float(value)) < _compacts_from():
        return money(value, currency)
    text = numbers.format_compact_currency(value, currency, locale=reader_locale(), fraction_digits=1)
    return _typeset(text, value, currency)


@register.filter
def percent(value: Number | None, digits: int = 1) -> str:
    """0.034 -> "3.4%"."""
    if not _known(value):
        return NOTHING
    return _typeset(numbers.format_percent(value, _pattern(int(digits)) + "%", locale=reader_locale()), value)


@register.filter
def compact(value: Number | None) -> str:
    """12345 -> "12.3K" or "1.2万"; small figures in full, below 100 with one decimal unless they are whole."""
    if not _known(value):
        return NOTHING
    size = abs(float(value))
    if size < _compacts_from():
        return number(value, 1 if size < DECIMALS_BELOW and size != int(size) else 0)
    return _typeset(numbers.format_compact_decimal(value, locale=reader_locale(), fraction_digits=1), value)


@register.filter
def delta(value: Number | None, digits: int = 1) -> str:
    """A relative change with its sign: 0.034 -> "+3.4%"; nothing that rounds to zero carries one."""
    if not _known(value):
        return NOTHING
    size = percent(abs(float(value)), digits)
    sign = "" if size == percent(0, digits) else "+" if value > 0 else MINUS
    return Figure(sign + size, value)


@register.filter
def day(value: dt.date | dt.datetime | None) -> str:
    """ "16 Nov 2026" or "2026年11月16日"."""
    if value is None:
        return NOTHING
    locale = reader_locale()
    text = dates.format_date(value, "y年M月d日" if locale.language == "zh" else "d MMM y", locale=locale)
    return Figure(text, value.date() if isinstance(value, dt.datetime) else value)


@register.filter
def moment(value: dt.datetime | None) -> str:
    """ "16 Nov 2026, 14:05" or "2026年11月16日 14:05", in the active time zone."""
    if value is None:
        return NOTHING
    local = timezone.localtime(value)
    return f"{day(local)}{' ' if reader_locale().language == 'zh' else ', '}{local:%H:%M}"


@register.filter
def week(value: dt.date | str | None) -> str:
    """A week by its first day: "W47 · 16 Nov" or "11月16日当周".

    The number is the ISO week of the week's fourth day, so weeks that start on Sunday or Saturday count right too.
    """
    if not value:
        return NOTHING
    start = dt.date.fromisoformat(value) if isinstance(value, str) else value
    locale = reader_locale()
    if locale.language == "zh":
        return dates.format_date(start, "M月d日当周", locale=locale)
    count = (start + dt.timedelta(days=3)).isocalendar().week
    return f"W{count} · {dates.format_date(start, 'd MMM', locale=locale)}"


def weekday_names(first_weekday: int) -> list[str]:
    """The seven weekdays in short, from `first_weekday` (Monday = 0) on."""
    names = dates.get_day_names("abbreviated", locale=reader_locale())
    return [names[(first_weekday + n) % 7] for n in range(7)]


@register.filter
def ago(value: dt.datetime | None) -> str:
    """How long ago a moment was: "5 minutes ago", "5分钟前"."""
    if value is None:
        return NOTHING
    passed = timezone.now() - value
    if passed < dt.timedelta(seconds=10):
        return _("just now")
    return dates.format_timedelta(-passed, add_direction=True, locale=reader_locale())


@register.filter
def duration(value: dt.timedelta | None) -> str:
    """A length of time in its two largest units: "1 min 15 sec", "1分钟15秒"."""
    if value is None:
        return NOTHING
    minutes, seconds = divmod(max(int(value.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [("hour", hours), ("minute", minutes), ("second", seconds)]
    first = next((i for i, (_unit, count) in enumerate(parts) if count), 2)
    locale = reader_locale()
    shown = [(unit, count) for unit, count in parts[first : first + 2] if count or first == 2]
    words = [units.format_unit(count, f"duration-{unit}", length="short", locale=locale) for unit, count in shown]
    return ("" if locale.language == "zh" else " ").join(words)


@register.filter
def file_size(value: int | None) -> str:
    """Bytes as "12.3 MB"."""
    if value is None:
        return NOTHING
    size = float(value)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{number(size, 0 if unit == 'B' else 1)} {unit}"
        size /= 1000
    return f"{number(size, 1)} GB"


# --- results of the engines -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """A result as people read it. `available` is False when `text` says why there is no figure (`brief`: in short)."""

    available: bool
    text: str
    interval: str = ""
    sample: str = ""
    brief: str = ""


@register.filter
def reading(result: Result | Mapping[str, object] | None, currency: str = "") -> Reading:
    """An engine's result (or its plain-data form) in words; money in `currency`."""
    result = _as_result(result)
    if result is None:
        return Reading(False, NOTHING)
    if isinstance(result, Unavailable):
        text = _("not available: %(reason)s") % {"reason": reason_words(result)}
        return Reading(False, text, brief=reason_words(Unavailable(result.reason)))
    if not _known(result.value):
        return Reading(False, NOTHING)
    return Reading(
        True,
        in_unit(result.value, result.unit, currency, result.value),
        _interval(result, currency),
        _("n = %(n)s") % {"n": number(result.n)} if _known(result.n) and result.n else "",
    )


def in_unit(value: float, unit: str, currency: str = "", scale: float | None = None) -> str:
    """A value of one of the engines' units in words; `scale` sets the rounding (so an interval rounds as its value)."""
    text = _in_unit(value, unit, currency, scale)
    return text if isinstance(text, Figure) else Figure(text, value)


def _in_unit(value: float, unit: str, currency: str, scale: float | None) -> str:
    scale = abs(value if scale is None else scale)
    if unit in {"count", "money"}:
        return _amount(value, currency if unit == "money" else "", scale)
    if unit in {"rate", "difference"}:
        written = percent if unit == "rate" else _points
        return written(value, 2 if scale < SMALL_RATE else 1)
    if unit == "money_per":
        return money(value, currency)
    if unit in LENGTHS:
        digits, words = LENGTHS[unit]
        return str(words) % {"n": number(value, digits)}
    if unit in PLAIN:
        digits, times = PLAIN[unit]
        return number(times * value, digits)
    return f"{number(value, 2)} / 5" if unit == "stars" else f"{number(value, 2)}×"


def _points(value: float, digits: int) -> str:
    """A difference of two rates with its sign, in percentage points."""
    text = number(100 * value, digits)
    return _("%(n)s points") % {"n": f"+{text}" if value > 0 else text}


LENGTHS = {
    "days": (1, gettext_lazy("%(n)s days")),
    "hours": (1, gettext_lazy("%(n)s h")),
    "months": (0, gettext_lazy("%(n)s months")),
}  # unit -> decimals, how it is written
PLAIN = {
    "number": (2, 1),
    "points": (0, 1),
    "index": (3, 1),
    "correlation": (2, 1),
    "score": (1, 100),
}  # unit -> decimals, what it is multiplied by


def _amount(value: float, currency: str, scale: float) -> str:
    """A count, or money when there is a currency; in millions (or 万) when large."""
    if scale >= COMPACT_FROM:
        return compact_money(value, currency) if currency else compact(value)
    return money(value, currency) if currency else number(value)


def _interval(result: Estimate, currency: str) -> str:
    """The 95 % interval in words, open above where only its low end is known; empty for a plain count or sum."""
    if result.low is None:
        return ""
    low = in_unit(result.low, result.unit, currency, result.value)
    if result.high is None:
        return _("%(low)s or more") % {"low": low}
    high = in_unit(result.high, result.unit, currency, result.value)
    return _("%(low)s to %(high)s") % {"low": low, "high": high}


def _as_result(result: Result | Mapping[str, object] | None) -> Result | None:
    """The result itself, or the one that plain data (as kept in a stored diagnosis) describes."""
    if isinstance(result, Mapping):
        return Unavailable(**result) if "reason" in result else Estimate(**result)  # type: ignore[arg-type]
    return result


# --- small drawings ---------------------------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """One icon of the sprite; decorative unless it has a label."""
    href = f"{static('vendor/tabler/icons.svg')}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>', label, href)
    return format_html('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}"></use></svg>', href)


@register.inclusion_tag("_sparkline.html")
def sparkline(values: Sequence[float | None], label: str, tone: str = "") -> dict[str, object]:
    """A small line of `values`, oldest first, broken where a value is None. `tone` is an engine's key or empty."""
    return {"line": Sparkline.of(values), "label": label, "tone": tone}


@register.filter
def engine_name(key: str) -> str:
    """An engine's full name."""
    return str(ENGINES[key])


@register.filter
def direction(value: Number | None) -> str:
    """ "up", "down" or "flat" of a change, for its icon; empty when unknown."""
    if not _known(value):
        return ""
    if delta(value) == percent(0, 1):
        return "flat"
    return "up" if value > 0 else "down"


@register.filter
def styled(field: BoundField) -> SafeString:
    """A form field's control with the product's classes, and its errors announced."""
    widget = field.field.widget
    widget.attrs.pop("placeholder", None)  # the label says it already
    look = CONTROL_LOOKS.get(getattr(widget, "input_type", ""), "form-control")
    attributes: dict[str, str | bool] = {
        "class": f"{widget.attrs.get('class', '')} {look}{' is-invalid' if field.errors else ''}".strip()
    }
    if field.errors:
        attributes |= {"aria-invalid": "true", "aria-describedby": f"{field.auto_id}_error"}
    return field.as_widget(attrs=attributes)
