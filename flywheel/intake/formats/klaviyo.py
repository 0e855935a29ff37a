"""Klaviyo: the export of campaigns. Subjects and lists are not read."""

from django.utils.translation import gettext_lazy as _

from flywheel.intake.formats.base import Format, Header, Made, Part
from flywheel.intake.formats.makers import first_of, joined
from flywheel.intake.kinds import CAMPAIGNS

CAMPAIGNS_EXPORT = Format(
    "klaviyo-campaigns",
    "Klaviyo: campaigns",
    columns=(
        Header("Campaign Name", needed=True),
        Header("Send Time", needed=True),
        Header("Total Recipients", needed=True),
        Header("Unique Placed Order"),
        Header("Unique Opens"),
        Header("Unique Clicks"),
        Header("Unsubscribes"),
        Header("Spam Complaints"),
        Header("Successful Deliveries"),
        Header("Campaign ID"),
        Header("Campaign Channel"),
    ),
    any_of=("Unique Opens", "Unique Clicks", "Spam Complaints", "Successful Deliveries"),
    made=(
        Made("name and time", ("Campaign Name",), joined("Campaign Name", "Send Time", separator=" ")),
        Made("campaign", ("Campaign Name",), first_of("Campaign ID", "name and time")),
    ),
    parts=(
        Part(
            CAMPAIGNS,
            {
                "campaign_id": "campaign",
                "sent_at": "Send Time",
                "name": "Campaign Name",
                "channel": "Campaign Channel",
                "sent": "Total Recipients",
                "opened": "Unique Opens",
                "clicked": "Unique Clicks",
                "ordered": "Unique Placed Order",
                "unsubscribed": "Unsubscribes",
            },
        ),
    ),
    help=_(
        "Klaviyo: Analytics, Custom reports or Campaigns, Export as CSV. Choose the time zone of the account. Revenue "
        "is not read, since the file does not tell its currency: map it by hand with the currency of the account."
    ),
)
FORMATS = (CAMPAIGNS_EXPORT,)
