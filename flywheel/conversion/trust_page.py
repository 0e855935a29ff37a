"""The trust checklist: what is in place in each market, how far it is covered, and the rate around each change."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from engines import business, trust
from engines.panel import Panel
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.conversion.checklist import ITEMS
from flywheel.conversion.models import TrustItem
from flywheel.conversion.tables import Table, limits, parts
from flywheel.diagnosis.engine_pages import Choice
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.measures import frames

State = TrustItem.State
STATES = {State.YES: "fresh", State.NO: "late", State.NOT_APPLICABLE: "not_agreed", State.UNKNOWN: "due"}
CHANGES = 30  # newest changes whose effect is shown
AROUND = timedelta(weeks=trust.WEEKS_AROUND)


def context(workspace: Workspace, choice: Choice, may_edit: bool) -> dict[str, Any]:
    """The chosen market's checklist, or every market's coverage."""
    names = place_names(workspace)["market"]
    stored = _stored(workspace, choice)
    return {
        "may_edit": may_edit,
        "groups": checklist(stored) if choice.market else [],
        "coverage": _coverage_rows(workspace, choice, stored, names),
        "group_names": [label for _key, label in TrustItem.Group.choices],
        "changes": _changes(workspace, choice, stored, names),
        "weeks_around": trust.WEEKS_AROUND,
    }


def _stored(workspace: Workspace, choice: Choice) -> list[TrustItem]:
    found = TrustItem.objects.filter(workspace=workspace)
    return list(found.filter(market=choice.market) if choice.market else found)


def checklist(stored: list[TrustItem]) -> list[dict[str, Any]]:
    """A market's items by group, bundled ones first; an item that has not been answered is not known."""
    known = {item.item: item for item in stored if item.item}
    groups = []
    for key, label in TrustItem.Group.choices:
        rows = [
            {"key": i.key, "words": i.words, **_row(known.get(i.key))} for i in ITEMS.values() if i.group == key
        ] + [{"key": "", "words": o.name, **_row(o)} for o in stored if not o.item and o.group == key]
        groups.append(
            {"key": key, "label": label, "rows": rows, "coverage": trust.coverage([r["state"] for r in rows])}
        )
    return groups


def _row(item: TrustItem | None) -> dict[str, Any]:
    state = State(item.state) if item else State.UNKNOWN
    since = item.since if item else None
    return {"item": item, "since": since, "state": state.value, "look": STATES[state], "label": state.label}


def _coverage_rows(
    workspace: Workspace, choice: Choice, stored: list[TrustItem], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Per market: the coverage of each group and of all, the best covered first."""
    codes = [choice.market] if choice.market else sorted({*names, *(item.market for item in stored)} - {""})
    rows = []
    for code in codes:
        groups = checklist([item for item in stored if item.market == code])
        states = [row["state"] for group in groups for row in group["rows"]]
        rows.append({"code": code, "name": names.get(code, code), "all": trust.coverage(states),
                     "groups": [group["coverage"] for group in groups]})  # fmt: skip
    return sorted(rows, key=lambda row: (-(row["all"].score or 0), row["name"]))


def _changes(
    workspace: Workspace, choice: Choice, stored: list[TrustItem], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The newest items put in place, each with its market's CVR before and after, in weeks that are over."""
    dated = [item for item in stored if item.state == State.YES and item.since]
    dated.sort(key=lambda item: item.since or date.min, reverse=True)
    dated = dated[:CHANGES]
    if not dated:
        return []
    panel = _panel(workspace, choice.complete, min(item.since for item in dated if item.since), dated)
    return [
        {
            "item": item,
            "words": ITEMS[item.item].words if item.item in ITEMS else item.name,
            "market": names.get(item.market, item.market),
            "effect": _effect(panel, item),
        }
        for item in dated
    ]


def _panel(workspace: Workspace, last: date, day: date, items: list[TrustItem]) -> Panel | None:
    """What CVR is made of in the items' markets, from the weeks before `day` to `last`; None where nothing is known."""
    away = timedelta(days=max((last - day).days, 0))
    first = last - timedelta(days=-(-away.days // 7) * 7) - AROUND  # weeks start on the weekday of `last`
    where = {"market": sorted({item.market for item in items})}
    frame = frames.conversion(workspace, ("week", "market", "channel"), first, last, where)
    if frame.empty:
        return None
    return business.panel(business.Business.of_journey(frame), np.datetime64(first, "D"), np.datetime64(last, "D"))


def _effect(panel: Panel | None, item: TrustItem) -> trust.BeforeAfter:
    if panel is None or item.market not in panel.markets:
        return trust.NO_TRAFFIC
    return trust.before_after(panel, panel.markets.index(item.market), np.datetime64(str(item.since)))


def effects_table(workspace: Workspace, choice: Choice) -> Table:
    """Columns and rows of the file: the rate before and after each change."""
    columns = [_("Item"), _("Market"), _("Since"), _("Weeks before"), *limits(_("Before")), _("Weeks after"),
               *limits(_("After")), *limits(_("Difference"))[:3]]  # fmt: skip
    rows: list[list[Cell]] = []
    for row in _changes(workspace, choice, _stored(workspace, choice), place_names(workspace)["market"]):
        effect: trust.BeforeAfter = row["effect"]
        rows.append([str(row["words"]), row["market"], row["item"].since, effect.weeks[0], *parts(effect.before),
                     effect.weeks[1], *parts(effect.after), *parts(effect.difference)[:3]])  # fmt: skip
    return columns, rows


def table(workspace: Workspace, choice: Choice) -> Table:
    """Columns and rows of the export: every market's checklist."""
    names = place_names(workspace)["market"]
    stored = list(TrustItem.objects.filter(workspace=workspace))
    codes = [choice.market] if choice.market else sorted({item.market for item in stored})
    rows = []
    for code in codes:
        for group in checklist([item for item in stored if item.market == code]):
            for row in group["rows"]:
                item = row["item"]
                told = [item.since, item.evidence, item.checked_on] if item else [None, "", None]
                rows.append([names.get(code, code), str(group["label"]), str(row["words"]), str(row["label"]), *told])
    return [_("Market"), _("Group"), _("Item"), _("Status"), _("In place since"), _("Evidence"), _("Checked on")], rows
