"""Campaigns that the demo's service team has exported from its lists: one whose days are over, one just sent."""

from datetime import timedelta

from django.db import transaction

from flywheel.accounts import records
from flywheel.accounts.models import User, Workspace
from flywheel.aftersales import holdouts
from flywheel.aftersales.models import Change, LifetimeFit, ListCampaign
from flywheel.demo.workspace import EMAIL

List, Share, Days = ListCampaign.List, ListCampaign.Share, ListCampaign.Days
CAMPAIGNS = (
    ("Ask for a review", List.ADVOCATES, Share.TWENTY, Days.MONTH, 45),
    ("We miss you", List.SLIPPING, Share.TEN, Days.MONTH, 3),
)  # name, list, share held out, days that count, exported this many days before the end


def fill(workspace: Workspace) -> None:
    """Export them as the demo's account, once customers are scored; what somebody has changed since stays."""
    fit = LifetimeFit.objects.filter(workspace=workspace, scope=LifetimeFit.Scope.ALL).first()
    if fit is None or Change.objects.filter(workspace=workspace).exists():
        return
    user = User.objects.filter(email=EMAIL).first()
    with transaction.atomic():
        for name, chosen, share, days, ago in CAMPAIGNS:
            campaign = ListCampaign(
                workspace=workspace, name=name, list=chosen, share=share, days=days,
                exported_on=fit.as_of - timedelta(days=ago),
            )  # fmt: skip
            records.add(campaign, user)
            holdouts.draw(campaign)
