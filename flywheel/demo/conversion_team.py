"""What the demo's conversion team has entered: pain points, the trust checklist, payment methods, thresholds."""

import datetime as dt

import numpy as np

from flywheel.accounts import records
from flywheel.accounts.models import User, Workspace
from flywheel.conversion.checklist import ITEMS
from flywheel.conversion.models import FreeShipping, OfferedMethod, PainPoint, TrustItem
from flywheel.demo.norrsken import MARKETS
from flywheel.demo.workspace import EMAIL

SEED = 5
THRESHOLDS = {"US": 85, "DE": 75, "GB": 65, "FR": 75, "JP": 13_000, "BR": 450, "AU": 125, "PL": 320}
PAINS = (
    (
        "payments",
        "US",
        "mobile",
        "Card form closes when the bank's app opens",
        "Session recordings, 14 of 20",
        "Mei",
        None,
    ),
    (
        "checkouts",
        "DE",
        "",
        "Delivery costs are seen only at the checkout",
        "Exit survey: second most named reason",
        "Jonas",
        None,
    ),
    ("carts", "", "mobile", "Size guide covers the button on small phones", "", "Ida", None),
    ("product_views", "BR", "mobile", "Category pages load slowly", "LCP above 4 s", "Mei", None),
    ("payment_attempts", "FR", "", "Phone number was required", "A/B test in spring", "Jonas", 70),
)  # step, market, device, text, evidence, owner, solved this many days before the end
COVERED = {"US": 0.8, "DE": 0.85, "GB": 0.8, "FR": 0.6, "JP": 0.5, "BR": 0.4, "AU": 0.7, "PL": 0.45}
INTRODUCED = (("GB", "review_badge", 84), ("FR", "delivery", 63), ("DE", "review_media", 105), ("JP", "returns", 56))
OFFERS = (
    ("DE", "invoice", False, "Risk check is missing"),
    ("US", "apple_pay", True, "Live, not told apart in the payments"),
)


def fill(workspace: Workspace, until: dt.date) -> None:
    """Enter it all, as the demo's account."""
    user = User.objects.filter(email=EMAIL).first()
    for record in (*_pains(workspace, until), *_items(workspace, until), *_offers(workspace)):
        records.add(record, user)


def _pains(workspace: Workspace, until: dt.date) -> list[PainPoint]:
    status = PainPoint.Status
    return [
        PainPoint(
            workspace=workspace, step=step, market=market, device=device, text=text, evidence=evidence, owner=owner,
            status=status.OPEN if solved is None else status.SOLVED,
            solved_on=None if solved is None else until - dt.timedelta(days=solved),
        )
        for step, market, device, text, evidence, owner, solved in PAINS
    ]  # fmt: skip


def _items(workspace: Workspace, until: dt.date) -> list[TrustItem]:
    """Most items answered, more of them in place where the brand is known; four with the day they came."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    since = {(market, key): until - dt.timedelta(days=days) for market, key, days in INTRODUCED}
    state = TrustItem.State
    found = []
    for market, covered in COVERED.items():
        for key, item in ITEMS.items():
            draw = rng.random()
            if draw > 0.92 and (market, key) not in since:
                continue  # nobody has answered yet
            is_in_place = draw < covered or (market, key) in since
            found.append(
                TrustItem(
                    workspace=workspace,
                    market=market,
                    group=item.group,
                    item=key,
                    state=state.YES if is_in_place else state.NO,
                    since=since.get((market, key)),
                    checked_on=until - dt.timedelta(days=int(rng.integers(5, 60))),
                )
            )
    own = TrustItem(workspace=workspace, market="JP", group=TrustItem.Group.CONTENT, state=state.NO,
                    name="Gift wrapping at the checkout", checked_on=until)  # fmt: skip
    return [*found, own]


def _offers(workspace: Workspace) -> list[OfferedMethod | FreeShipping]:
    methods = [
        OfferedMethod(workspace=workspace, market=market, method=method, is_offered=is_offered, note=note)
        for market, method, is_offered, note in OFFERS
    ]
    currencies = {market.code: market.currency for market in MARKETS}
    return [
        *methods,
        *(
            FreeShipping(workspace=workspace, market=market, amount=amount, currency=currencies[market])
            for market, amount in THRESHOLDS.items()
        ),
    ]
