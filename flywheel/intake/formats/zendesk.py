"""Zendesk: the export of tickets. Subjects are not read: they are what customers write."""

from django.utils.translation import gettext_lazy as _

from flywheel.intake.formats.base import Format, Header, Made, Part
from flywheel.intake.formats.makers import Case, cases, first_of, later, unless, where
from flywheel.intake.kinds import TICKETS

TICKETS_EXPORT = Format(
    "zendesk-tickets",
    "Zendesk: tickets",
    columns=(
        Header("Id", needed=True),
        Header("Requester id"),
        Header("Requester email"),
        Header("Tags"),
        Header("Status"),
        Header("Ticket type"),
        Header("Created at", needed=True),
        Header("Solved at"),
        Header("Satisfaction Score"),
        Header("First reply time in minutes", needed=True),
        Header("Reason", pattern=r"(ticket |contact )?(category|reason) \[list\]"),
    ),
    made=(
        # A merged ticket goes on in another one, and a deleted one was none.
        Made("not merged", ("Id",), unless("Tags", r"(.*[\s,])?closed_by_merge([\s,].*)?", "Id")),
        Made("ticket", ("Id",), unless("Status", "deleted", "not merged")),
        Made("customer", ("Requester email", "Requester id"), first_of("Requester email", "Requester id")),
        Made("first reply", ("First reply time in minutes",), later("Created at", "First reply time in minutes")),
        Made("reason", ("Reason", "Ticket type"), first_of("Reason", "Ticket type")),
        Made("stars", ("Satisfaction Score",), where("Satisfaction Score", "[1-5]", "Satisfaction Score")),
        Made(
            "satisfaction",
            ("Satisfaction Score",),
            cases(
                Case("Satisfaction Score", "good.*", "5"),
                Case("Satisfaction Score", "bad.*", "1"),
                otherwise="stars",
            ),
        ),
    ),
    parts=(
        Part(
            TICKETS,
            {
                "ticket_id": "Id",
                "opened_at": "Created at",
                "customer_id": "customer",
                "first_reply_at": "first reply",
                "solved_at": "Solved at",
                "reason": "reason",
                "csat": "satisfaction",
            },
            only="ticket",
        ),
    ),
    help=_(
        "Zendesk: Admin Center, Reports, Export tab, CSV. Choose the time zone that your account is set to. “Good” "
        "counts as 5 and “Bad” as 1; merged and deleted tickets are left out, and subjects are not read."
    ),
)
FORMATS = (TICKETS_EXPORT,)
