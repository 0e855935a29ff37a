"""The demo's workspace, the account to look at it with, its markets, channels and sources."""

from allauth.account.models import EmailAddress
from django.db import transaction

from flywheel.accounts.models import Membership, Role, User, Workspace
from flywheel.demo.norrsken import CHANNELS, MARKETS, NAME
from flywheel.facts.models import Channel, Market, Source

EMAIL = "demo@example.com"
PASSWORD = "flywheel-demo"  # noqa: S105 - the demo's public password, printed on its log-in page
SOURCES = {
    "shop": ("Web shop", "Sales", ("customers", "orders", "order_lines", "payments", "refunds")),
    "analytics": ("Web analytics", "Market", ("traffic", "events")),
    "ads": ("Ad accounts", "Market", ("spend",)),
    "reviews": ("Review platform", "Service", ("reviews",)),
    "helpdesk": ("Help desk", "Service", ("tickets",)),
    "surveys": ("Customer surveys", "Service", ("survey_answers",)),
    "referrals": ("Referral programme", "Service", ("referrals",)),
    "mail": ("Mail tool", "Service", ("campaigns",)),
    "monitoring": ("Page monitoring", "Sales", ("page_experience",)),
    "finance": ("Controlling", "Market", ("investments",)),
}  # slug -> name, owner team, the kinds of files that come from there


@transaction.atomic
def open_workspace(slug: str) -> Workspace:
    """The demo workspace with its account, markets, channels and sources; what is there already is left as it is."""
    workspace, _ = Workspace.objects.get_or_create(
        slug=slug,
        defaults={"name": f"{NAME} (demo)", "base_currency": "EUR", "time_zone": "Europe/Berlin", "is_demo": True},
    )
    _open_account(workspace)
    for market in MARKETS:
        known = {"name": market.name, "time_zone": market.time_zone}
        Market.objects.get_or_create(workspace=workspace, code=market.code, defaults=known)
    for channel in CHANNELS:
        known = {"name": channel.name, "kind": channel.kind}
        Channel.objects.get_or_create(workspace=workspace, code=channel.code, defaults=known)
    for source, (name, team, _kinds) in SOURCES.items():
        agreed = {"name": name, "owner_team": team, "cadence_days": Source.Cadence.WEEKLY}
        Source.objects.get_or_create(workspace=workspace, slug=source, defaults=agreed)
    return workspace


def _open_account(workspace: Workspace) -> None:
    user = User.objects.filter(email=EMAIL).first() or User.objects.create_user(EMAIL, PASSWORD, name="Demo")
    EmailAddress.objects.get_or_create(user=user, email=EMAIL, defaults={"verified": True, "primary": True})
    Membership.objects.get_or_create(workspace=workspace, user=user, defaults={"role": Role.OWNER})


def source_of(workspace: Workspace, kind: str) -> Source:
    """Where the demo's files of `kind` come from."""
    slug = next(slug for slug, (_name, _team, kinds) in SOURCES.items() if kind in kinds)
    return Source.objects.get(workspace=workspace, slug=slug)
