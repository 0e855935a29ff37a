"""The tabs of the market engine's pages."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from flywheel.diagnosis.engine_views import Room

ROOM = Room(
    "market",
    (
        ("engine", _("Overview")),
        ("market-screening", _("Market screening")),
        ("market-positioning", _("Positioning")),
        ("market-channels", _("Channel mix")),
        ("market-campaigns", pgettext_lazy("advertising", "Campaigns")),
        ("market-roadmap", _("Entry roadmap")),
        ("market-content", _("Content library")),
        ("market-partners", _("Partners")),
    ),
)
