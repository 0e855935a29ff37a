"""What Klaviyo and Zendesk export."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest

from flywheel.accounts.models import Workspace
from flywheel.facts.models import CustomerCampaign, Ticket
from flywheel.intake.plans import Plan
from tests.vendor_files import read

pytestmark = pytest.mark.django_db
Plans = Sequence[Plan]


# --- Klaviyo ----------------------------------------------------------------------------------------------------------
def test_klaviyo_campaigns_are_counted_in_people(workspace: Workspace, tmp_path: Path) -> None:
    row = {"Campaign Name": "Spring", "Send Time": "2026-03-02 09:00:00", "Total Recipients": "64517.0"}
    people = {
        "Unique Opens": "45587.0",
        "Unique Clicks": "264.0",
        "Unique Placed Order": "48.0",
        "Unsubscribes": "170.0",
    }
    named = row | people | {"Revenue": "2800.27", "Campaign ID": "01C", "Campaign Channel": "Email"}
    read(workspace, tmp_path, "klaviyo-campaigns", [named])
    read(workspace, tmp_path, "klaviyo-campaigns", [row | people])  # an older export, without ids
    campaigns = {campaign.external_id: campaign for campaign in CustomerCampaign.objects.all()}
    assert campaigns.keys() == {"01C", "Spring 2026-03-02 09:00:00"}
    one = campaigns["01C"]
    assert (one.sent, one.opened, one.clicked, one.ordered, one.unsubscribed) == (64_517, 45_587, 264, 48, 170)
    assert (one.channel, one.revenue) == ("Email", None)


# --- Zendesk ----------------------------------------------------------------------------------------------------------
def ticket(number: str = "1", **cells: str) -> dict[str, str]:
    known = {
        "Id": number,
        "Requester id": "77",
        "Requester email": "ann@example.com",
        "Subject": "Ann Smith wants her parcel",
        "Tags": "parcel, web",
        "Status": "Solved",
        "Ticket type": "Question",
        "Created at": "2026-03-02 10:00",
        "Solved at": "2026-03-03 09:00",
        "Satisfaction Score": "Good",
        "First reply time in minutes": "90",
        "Ticket Category [list]": "Where is my order",
    }
    return known | cells


def test_a_zendesk_ticket_was_answered_minutes_after_it_came(workspace: Workspace, tmp_path: Path) -> None:
    read(workspace, tmp_path, "zendesk-tickets", [ticket()])
    known = Ticket.objects.get()
    assert known.first_reply_at - known.opened_at == dt.timedelta(minutes=90)
    assert (known.reason, str(known.csat)) == ("Where is my order", "5.0")
    assert known.customer_ref not in ("", "ann@example.com", "77")


@pytest.mark.parametrize(
    ("word", "stars"), [("Bad", 1), ("Good with comment", 5), ("Offered", None), ("4", 4), ("", None)]
)
def test_zendesk_satisfaction_is_good_or_bad(
    workspace: Workspace, tmp_path: Path, word: str, stars: int | None
) -> None:
    read(workspace, tmp_path, "zendesk-tickets", [ticket(**{"Satisfaction Score": word})])
    assert Ticket.objects.get().csat == stars


def test_merged_and_deleted_zendesk_tickets_are_left_out(workspace: Workspace, tmp_path: Path) -> None:
    rows = [ticket(), ticket("2", Tags="web, closed_by_merge"), ticket("3", Status="Deleted")]
    read(workspace, tmp_path, "zendesk-tickets", rows)
    assert list(Ticket.objects.values_list("external_id", flat=True)) == ["1"]
