"""What the conversion engine's keys are called on the pages."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from engines.paths import ENTRY, EXIT, OTHER
from flywheel.diagnosis.words import STAGES

POINTS = {
    ENTRY: _("Start of the session"),
    EXIT: _("End of the session"),
    OTHER: _("Other touch points"),
    "started": _("Start of the session"),
}
SEGMENTS = {
    "champions": _("Champions"),
    "loyal": _("Loyal"),
    "growing": _("Growing"),
    "attention": _("Need attention"),
    "at_risk": _("At risk"),
    "cannot_lose": _("Not to be lost"),
    "hibernating": _("Hibernating"),
    "new": pgettext_lazy("customers", "New"),
    "promising": _("One order, not long ago"),
    "one_time": _("One order, long ago"),
}
RULES = {
    "champions": _("several orders, R 4-5, V at least 3.5"),
    "loyal": _("several orders, R 3, V at least 3.5"),
    "growing": _("several orders, R 4-5, V below 3.5"),
    "attention": _("several orders, R 3, V below 3.5"),
    "at_risk": _("several orders, R 2, V at least 3.5"),
    "cannot_lose": _("several orders, R 1, V at least 3.5"),
    "hibernating": _("several orders, R 1-2, V below 3.5"),
    "new": _("one order, R 4-5"),
    "promising": _("one order, R 3"),
    "one_time": _("one order, R 1-2"),
}
ADVICE = {
    "champions": _("Ask for reviews and referrals; first look at what is new."),
    "loyal": _("Suggest what goes with earlier orders; a loyalty programme."),
    "growing": _("A second category; bundles that raise the order value."),
    "attention": _("An offer with an end date, built on what they bought."),
    "at_risk": _("Win back in person: what went wrong with the last order?"),
    "cannot_lose": _("A call or a letter rather than a mailing."),
    "hibernating": _("Seasonal mailing; no discount without a test."),
    "new": _("Help with the first order; ask how it went before selling again."),
    "promising": _("Remind of what goes with the order, or of refilling it."),
    "one_time": _("Cheap channels only."),
}
METRICS = {
    "lcp_ms": _("LCP: until the main content is there"),
    "inp_ms": _("INP: until the page answers"),
    "cls": _("CLS: how much the page jumps"),
}
RATINGS = {"good": pgettext_lazy("page", "good"), "medium": _("needs work"), "poor": pgettext_lazy("page", "poor")}
RATING_STATES = {"good": "fresh", "medium": "due", "poor": "late"}  # the look of _state.html
COMPARISONS = {
    "before": _("the period before"),
    "year": _("the same weeks a year before"),
    "other": _("other weeks"),
    "none": _("nothing"),
}


def touch_point(key: str) -> str:
    """A touch point's name: a stage in words, the source's own word as it is."""
    return str(POINTS.get(key) or STAGES.get(key) or key)
