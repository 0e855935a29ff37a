"""{% wheel state %}: the turning flywheel as inline SVG, wide and narrow; the style sheet shows the one that fits."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.translation import gettext as _

from flywheel.accounts.templatetags.formats import percent
from flywheel.accounts.wheel import lay_out

register = template.Library()


@register.inclusion_tag("_wheel.html")
def wheel(state: Mapping[str, Any], name: str = "wheel") -> dict[str, object]:
    """The wheel of `state` (see flywheel.accounts.wheel.lay_out); `name` keeps ids apart on a page with two wheels.

    `weakest_text` and `attainment_text` are filled in here when the state has none.
    """
    words = {
        "engines": [_engine_words(engine) for engine in state["engines"]],
        "links": [{"weakest_text": _weakest_text(), **link} for link in state["links"]],
        "centre": state["centre"],
    }
    return {"name": name, "layouts": [lay_out(words, shape) for shape in ("wide", "narrow")], "state": words}


def _weakest_text() -> str:
    """The mark of the weakest part: a sign (as text, not as a coloured picture) and words."""
    return "⚠\ufe0e " + _("Weakest link")


def _engine_words(engine: Mapping[str, Any]) -> dict[str, Any]:
    share = engine["attainment"]
    text = _("Attainment unknown") if share is None else _("%(share)s attained") % {"share": percent(share, 0)}
    return {"attainment_text": text, "weakest_text": _weakest_text(), **engine}
