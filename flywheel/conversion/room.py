"""The tabs of the conversion engine's pages."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from flywheel.diagnosis.engine_views import Room

ROOM = Room(
    "conversion",
    (
        ("engine", _("Overview")),
        ("conversion-journey", _("Journey")),
        ("conversion-trust", pgettext_lazy("tab", "Trust")),
        ("conversion-experience", _("Experience and payment")),
        ("conversion-value", _("Order value")),
        ("conversion-profiles", _("Customer profiles")),
    ),
)
