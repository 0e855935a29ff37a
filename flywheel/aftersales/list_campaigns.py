"""Campaigns from our own lists: what those written to ordered beyond those held out, and the file of the former."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from engines import aftersales
from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.aftersales.asking import Ask
from flywheel.aftersales.customer_lists import CHUNK, MOST_IN_WORKBOOK, chunks, hashes
from flywheel.aftersales.models import CampaignMember, CampaignOutcome, ListCampaign
from flywheel.aftersales.registers import REGISTERS
from flywheel.aftersales.tables import Column, Table, Value
from flywheel.diagnosis.market_names import Names
from flywheel.measures import raw

SUMS = tuple(field for field in aftersales.Group.__dataclass_fields__)
RESULTS = ("ordered", "held_out_ordered", "lift", "extra_orders", "extra_revenue", "extra_contribution")
Json = dict[str, Any]
Outcomes = dict[tuple[int, bool], aftersales.Group]  # by campaign, and whether held out


@dataclass(frozen=True)
class Row:
    """A campaign, the sizes of its groups, and what the comparison of the two says so far."""

    campaign: ListCampaign
    market: str
    treated: int
    held_out: int
    tested: aftersales.Tested

    @property
    def results(self) -> list[Result]:
        """In the order of the columns."""
        return [getattr(self.tested, name) for name in RESULTS]


def found(ask: Ask) -> list[Row]:
    """The campaigns from lists, newest first; of the chosen market those of that market and those of all."""
    campaigns = ListCampaign.objects.filter(workspace=ask.workspace).select_related("exported_by")
    if ask.choice.market:
        campaigns = campaigns.filter(market__in=("", ask.choice.market))
    names, outcomes = Names(ask.workspace), _outcomes(ask.workspace)
    return [
        Row(
            campaign,
            names[campaign.market] if campaign.market else _("All markets"),
            _size(outcomes, campaign, held_out=False),
            _size(outcomes, campaign, held_out=True),
            _tested(ask, campaign, outcomes),
        )
        for campaign in campaigns
    ]


def _tested(ask: Ask, campaign: ListCampaign, outcomes: Outcomes) -> aftersales.Tested:
    """The comparison, once orders of all its days are there and counted."""
    newest, treated = ask.standing.newest_day, outcomes.get((campaign.pk, False))
    if newest is None or newest < campaign.ends_on:
        return aftersales.Tested(*[Unavailable("too_early")] * len(RESULTS))
    if treated is None:
        return aftersales.Tested(*[Unavailable("not_worked_out")] * len(RESULTS))
    return aftersales.against_hold_out(treated, outcomes.get((campaign.pk, True)))


def _size(outcomes: Outcomes, campaign: ListCampaign, *, held_out: bool) -> int:
    group = outcomes.get((campaign.pk, held_out))
    return int(group.customers) if group else 0


def _outcomes(workspace: Workspace) -> Outcomes:
    """What each group ordered."""
    kept = CampaignOutcome.objects.filter(workspace=workspace).values_list("campaign", "held_out", *SUMS)
    return {
        (campaign, held_out): aftersales.Group(*(nan if value is None else float(value) for value in sums))
        for campaign, held_out, *sums in kept
    }


# --- the page ---------------------------------------------------------------------------------------------------------
def context(ask: Ask) -> Json:
    """The section of the page: rows with their links, and the newest changes."""
    register = REGISTERS["lists"]
    return {
        "register": register,
        "new": register.link("new", ask.workspace),
        "own": [
            {
                "row": row,
                "edit": register.link("edit", ask.workspace, row.campaign.pk),
                "files": [
                    (label, reverse("aftersales-lists-members", args=[ask.workspace.slug, row.campaign.pk, kind]))
                    for label, kind in (("CSV", "csv"), ("XLSX", "xlsx"))
                ],
                "says": _sentence(row),
            }
            for row in found(ask)
        ],
        "changes": register.changes(ask.workspace),
    }


def _sentence(row: Row) -> str:
    """What the comparison comes to, in words; empty while there is none."""
    lift = row.tested.lift
    if not isinstance(lift, Estimate) or lift.low is None or lift.high is None:
        return ""
    if lift.low > 0:
        return _("Brought orders that would not have come anyway.")
    return _("Those held out ordered more.") if lift.high < 0 else _("No effect that can be told from chance.")


def table(ask: Ask) -> Table:
    """The campaigns with their results, as a table for a file."""
    columns = (
        Column(_("Name"), "code"), Column(_("List"), "text"), Column(_("Market"), "text"),
        Column(_("Exported on"), "text"), Column(_("Exported by"), "code"), Column(_("Orders count until"), "text"),
        Column(_("Written to")), Column(_("Held out")),
        Column(_("Ordered, of those written to"), "result"), Column(_("Ordered, of those held out"), "result"),
        Column(_("Lift"), "result"), Column(_("Extra orders"), "result"), Column(_("Extra revenue"), "result"),
        Column(_("Extra contribution"), "result"),
    )  # fmt: skip
    rows: list[list[Value]] = [
        [
            row.campaign.name, row.campaign.get_list_display(), row.market, row.campaign.exported_on,
            str(row.campaign.exported_by or ""), row.campaign.ends_on, row.treated, row.held_out, *row.results,
        ]
        for row in found(ask)
    ]  # fmt: skip
    return Table("own", str(REGISTERS["lists"].title), columns, rows)


# --- the file of whom to write to -------------------------------------------------------------------------------------
def written_to(campaign: ListCampaign) -> QuerySet[CampaignMember]:
    """Those who are not held out."""
    return CampaignMember.objects.filter(
        workspace_id=campaign.workspace_id, campaign=campaign.pk, held_out=False
    ).order_by("customer")


def is_too_long(campaign: ListCampaign) -> bool:
    """Whether there are more of them than a workbook takes."""
    return written_to(campaign)[: MOST_IN_WORKBOOK + 1].count() > MOST_IN_WORKBOOK


def members(campaign: ListCampaign) -> tuple[list[str], Iterator[list[Cell]]]:
    """Columns and rows of the file for the mail tool, without those held out."""
    columns = [
        _("Customer"), _("Customer ids of the shops"), _("E-mail hash"), _("Market"), _("Articles"), _("Names"),
        _("Suggested article"), _("Name of the suggestion"),
    ]  # fmt: skip
    return columns, _exported(campaign)


def _exported(campaign: ListCampaign) -> Iterator[list[Cell]]:
    workspace = campaign.workspace
    for chunk in chunks(written_to(campaign).iterator(CHUNK)):
        people = [member.customer for member in chunk]
        ids, mails = raw.customer_refs(workspace, people), hashes(workspace, people)
        skus = {sku for member in chunk for sku in (*member.articles, member.suggestion) if sku}
        names = raw.product_names(workspace, sorted(skus))
        for member in chunk:
            yield [
                member.customer, " ".join(ids.get(member.customer, ())), " ".join(mails.get(member.customer, ())),
                member.market, ", ".join(member.articles), ", ".join(names.get(sku, sku) for sku in member.articles),
                member.suggestion, names.get(member.suggestion, ""),
            ]  # fmt: skip
