"""Template filters of the conversion engine's pages."""

import datetime as dt

from django import template
from django.utils.translation import gettext as _

from engines.differences import is_told_apart
from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.templatetags.formats import MINUS, NOTHING, duration, number, percent, reading
from flywheel.accounts.words import reason_words
from flywheel.conversion.methods import name_of
from flywheel.conversion.words import touch_point

register = template.Library()
SHORT_SECONDS = 10  # durations below it are shown with a decimal


@register.filter
def points(value: float | None) -> str:
    """A difference of rates: 0.012 -> "+1.20 pp", with its sign."""
    if value is None:
        return NOTHING
    size = number(abs(value) * 100, 2)
    sign = "" if size == number(0, 2) else "+" if value > 0 else MINUS
    return _("%(n)s pp") % {"n": sign + size}


@register.filter
def points_interval(result: Result | None) -> str:
    """The interval of a difference of rates in words."""
    if not isinstance(result, Estimate) or result.low is None or result.high is None:
        return ""
    return _("%(low)s to %(high)s") % {"low": points(result.low), "high": points(result.high)}


@register.filter
def told_apart(result: Result | None) -> bool:
    """Whether a difference is more than chance explains."""
    return is_told_apart(result)


@register.filter
def rate_interval(result: Result | None) -> str:
    """The interval of a rate and its sample, such as "11.90% to 14.18% · n = 3,605"."""
    if not isinstance(result, Estimate) or result.low is None or result.high is None:
        return ""
    low, high = percent(result.low, 2), percent(result.high, 2)
    return _("%(low)s to %(high)s") % {"low": low, "high": high} + " · " + _("n = %(n)s") % {"n": number(result.n)}


@register.filter
def lasting(result: Result | None) -> str:
    """A result in seconds as a length of time, or why there is none."""
    if result is None:
        return NOTHING
    return reason_words(result) if isinstance(result, Unavailable) else seconds(result.value)


@register.filter
def lasting_interval(result: Result | None) -> str:
    """The interval of a result in seconds."""
    if not isinstance(result, Estimate) or result.low is None or result.high is None:
        return ""
    return _("%(low)s to %(high)s") % {"low": seconds(result.low), "high": seconds(result.high)}


@register.filter
def seconds(value: float) -> str:
    """Seconds as a length of time in its two largest units."""
    if value < SHORT_SECONDS:
        return _("%(n)s s") % {"n": number(value, 1)}
    return duration(dt.timedelta(seconds=round(value)))


@register.filter
def touch(key: str) -> str:
    """A touch point's name: a stage in words, the source's own word as it is."""
    return touch_point(key)


@register.filter
def method(code: str) -> str:
    """A payment method's name."""
    return name_of(code)


@register.filter
def is_known(result: object) -> bool:
    """Whether a result, or its plain data, is a figure."""
    return reading(result).available if result else False  # type: ignore[arg-type]
