"""Campaigns from action lists: who is held out, what the file holds, and what both groups ordered afterwards."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.urls import reverse
from python_calamine import CalamineWorkbook

from engines.results import Unavailable
from flywheel import jobs
from flywheel.accounts.models import Membership, Role, User, Workspace
from flywheel.aftersales import list_campaigns
from flywheel.aftersales.models import CampaignMember, CampaignOutcome, CustomerScore, ListCampaign, Replenishment
from flywheel.facts.models import Market, Order, Rollup
from tests.customers_builder import AS_OF
from tests.facts_builder import mark_dirty, new_source, order, set_first_orders, week_of

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 9)
LISTED = 1000


@pytest.fixture
def member(workspace):
    user = User.objects.create_user("member@example.com", "x", name="Mei")
    Membership.objects.create(workspace=workspace, user=user, role=Role.MEMBER)
    return user


@pytest.fixture
def business(workspace, time_machine):
    """LISTED customers who slip away, the even ones in Germany, and one of them who is due for two articles."""
    time_machine.move_to("2026-03-09T09:00:00+01:00")
    for code in ("DE", "US"):
        Market.objects.create(workspace=workspace, code=code)
    scores = [
        CustomerScore(
            workspace=workspace, customer=f"c{n}", market=("DE", "US")[n % 2], first_date=AS_OF, last_date=AS_OF,
            repeats=2, alive=0.3, alive_then=0.9, value_12=Decimal(50), at_risk=Decimal(n + 1), suggestion="SOAP",
        )
        for n in range(LISTED)
    ]  # fmt: skip
    CustomerScore.objects.bulk_create(scores)
    for sku, day in (("GAS", 5), ("FILTER", 9)):
        Replenishment.objects.create(
            workspace=workspace, customer="c4", market="DE", sku=sku, bought=3, last_date=AS_OF, interval_days=30,
            due_date=TODAY + timedelta(days=day), suggestion="SOAP" if sku == "FILTER" else "",
        )  # fmt: skip
    order(workspace, new_source(workspace), "first", AS_OF, customer="c0", customer_ref="=ref", market="DE").save()
    return workspace


def export(client, user, **entered) -> None:
    client.force_login(user)
    data = {"list": "slipping", "market": "", "name": "Back soon", "share": "10", "days": "30", **entered}
    return client.post(reverse("aftersales-lists-new", args=["acme"]), data, follow=True).content.decode()


def held_out(campaign: ListCampaign) -> set[str]:
    found = CampaignMember.objects.filter(campaign=campaign.pk, held_out=True)
    return set(found.values_list("customer", flat=True))


def page(client, user, **query):
    client.force_login(user)
    return client.get(reverse("aftersales-campaigns", args=["acme"]), query)


def file(client, user, campaign: ListCampaign, kind: str = "csv"):
    client.force_login(user)
    return client.get(reverse("aftersales-lists-members", args=["acme", campaign.pk, kind]))


def csv_of(client, user, campaign: ListCampaign) -> list[list[str]]:
    content = b"".join(file(client, user, campaign).streaming_content)
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def measured(workspace: Workspace) -> None:
    """A week of measures, so that the room has something to show."""
    for rollup in Rollup.values:
        mark_dirty(workspace, rollup, [week_of(AS_OF)])
    jobs.start(workspace, "roll", {})


def sold(workspace: Workspace, campaign: ListCampaign, treated: int, held: int, price: int = 40, days: int = 5) -> None:
    """So many of each group order, `days` after the export; and a stranger does, so that the days are over."""
    source = new_source(workspace, f"shop{days}")
    for is_held, many in ((False, treated), (True, held)):
        members = CampaignMember.objects.filter(campaign=campaign.pk, held_out=is_held).order_by("pk")[:many]
        for customer in members.values_list("customer", flat=True):
            made = order(
                workspace, source, f"{days}-{customer}", campaign.exported_on + timedelta(days=days),
                customer=customer, market="DE", gross=Decimal(price), cogs=Decimal(price) / 2,
            )  # fmt: skip
            made.save()
    order(workspace, source, "stranger", campaign.ends_on, customer="stranger", market="DE").save()
    set_first_orders(workspace)


def counted(workspace: Workspace, run_jobs, time_machine) -> None:
    """Six weeks later."""
    time_machine.move_to("2026-04-20T09:00:00+02:00")
    measured(workspace)
    run_jobs()


def own(client, user, **query) -> list_campaigns.Row:
    (entry,) = page(client, user, **query).context["own"]
    return entry["row"]


# --- the draw ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("share", [0, 5, 10, 20])
def test_the_chosen_share_of_the_list_is_held_out(share, business, member, client):
    assert "has been added." in export(client, member, share=str(share))
    campaign = ListCampaign.objects.get()
    assert len(held_out(campaign)) == LISTED * share // 100
    assert CampaignMember.objects.count() == LISTED
    assert (campaign.exported_on, campaign.exported_by, campaign.ends_on) == (TODAY, member, TODAY + timedelta(days=30))


def test_another_share_than_those_offered_is_refused(business, member, client):
    export(client, member, share="50")
    assert not ListCampaign.objects.exists()
    assert not CampaignMember.objects.exists()


def test_the_same_list_of_the_same_day_holds_out_the_same_people(business, member, client, time_machine):
    for name in ("first", "again"):
        export(client, member, name=name)
    time_machine.move_to("2026-03-10T09:00:00+01:00")
    export(client, member, name="next day")
    first, again, later = (held_out(ListCampaign.objects.get(name=n)) for n in ("first", "again", "next day"))
    assert first == again
    assert len(first & later) < 40  # about a tenth of a hundred


def test_who_is_held_out_does_not_hang_on_what_is_at_stake(business, member, client):
    export(client, member, share="20")
    stakes = CustomerScore.objects.filter(customer__in=held_out(ListCampaign.objects.get()))
    mean = np.mean([float(score.at_risk or 0) for score in stakes])
    assert abs(mean - 500.5) < 60  # 3 standard errors of 288.7 / sqrt(200)


def test_a_market_alone_can_be_exported(business, member, client):
    export(client, member, market="DE")
    assert set(CampaignMember.objects.values_list("market", flat=True)) == {"DE"}
    assert len(held_out(ListCampaign.objects.get())) == 50


def test_a_customer_who_is_due_for_two_articles_is_drawn_once(business, member, client):
    export(client, member, list="due", share="0")
    drawn = CampaignMember.objects.get()
    assert (drawn.customer, drawn.articles, drawn.suggestion) == ("c4", ["GAS", "FILTER"], "SOAP")


def test_an_empty_list_cannot_be_exported(business, member, client):
    assert "Nobody is on this list" in export(client, member, list="advocates")
    assert not ListCampaign.objects.exists()


def test_the_form_opens_with_the_list_that_was_looked_at(business, member, client):
    client.force_login(member)
    html = client.get(reverse("aftersales-lists-new", args=["acme"]), {"list": "slipping", "market": "DE"}).content
    assert b'value="slipping" selected' in html
    assert "Slipping away · ".encode() in html
    assert not ListCampaign.objects.exists()


def test_readers_and_strangers_export_nothing(business, reader, stranger, client):
    for user, status in ((reader, 403), (stranger, 404)):
        client.force_login(user)
        answer = client.post(reverse("aftersales-lists-new", args=["acme"]), {"list": "slipping"})
        assert answer.status_code == status
    assert not ListCampaign.objects.exists()


# --- the file ---------------------------------------------------------------------------------------------------------
def test_the_file_leaves_out_who_is_held_out(business, member, client):
    export(client, member)
    campaign = ListCampaign.objects.get()
    table = csv_of(client, member, campaign)
    assert len(table) == 1 + LISTED - 100
    assert not {row[0] for row in table} & held_out(campaign)
    assert {row[6] for row in table[1:]} == {"SOAP"}


def test_the_file_stays_the_same_when_the_list_has_changed(business, member, client):
    export(client, member)
    before = csv_of(client, member, ListCampaign.objects.get())
    CustomerScore.objects.all().delete()
    assert csv_of(client, member, ListCampaign.objects.get()) == before


def test_the_workbook_holds_no_formulas(business, member, client):
    export(client, member, share="0")
    content = file(client, member, ListCampaign.objects.get(), "xlsx").content
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    (found,) = (row for row in rows if row[0] == "c0")
    assert found[1] == "'=ref"


def test_only_the_team_gets_the_file_and_only_its_own(business, member, reader, stranger, client):
    export(client, member)
    campaign = ListCampaign.objects.get()
    assert file(client, reader, campaign).status_code == 403
    assert file(client, stranger, campaign).status_code == 404
    assert file(client, member, campaign, "exe").status_code == 404
    other = Workspace.objects.create(name="Other", slug="other", base_currency="EUR")
    ListCampaign.objects.update(workspace=other)
    assert file(client, member, campaign).status_code == 404


# --- what it brought --------------------------------------------------------------------------------------------------
def test_until_its_days_are_over_it_is_too_early_to_tell(business, member, client, run_jobs):
    export(client, member)
    measured(business)
    run_jobs()
    row = own(client, member)
    assert (row.treated, row.held_out) == (900, 100)
    assert set(row.results) == {Unavailable("too_early")}
    assert "too early to tell" in page(client, member).content.decode()


def test_both_groups_are_compared_by_our_own_orders(business, member, reader, client, run_jobs, time_machine):
    export(client, member)
    sold(business, ListCampaign.objects.get(), treated=270, held=10)
    counted(business, run_jobs, time_machine)
    found = own(client, reader).tested
    assert (found.ordered.value, found.ordered.n) == (0.3, 900)
    assert (found.held_out_ordered.value, found.held_out_ordered.n) == (0.1, 100)
    assert found.ordered.low < 0.3 < found.ordered.high
    assert found.lift.value == pytest.approx(0.2)
    assert found.lift.low > 0
    assert found.extra_orders.value == pytest.approx(0.2 * 900)
    assert found.extra_revenue.value == pytest.approx(0.2 * 900 * 40)
    assert found.extra_contribution.value == pytest.approx(0.2 * 900 * 20)
    assert found.extra_revenue.low < found.extra_revenue.value < found.extra_revenue.high
    assert "would not have come anyway" in page(client, reader).content.decode()


def test_orders_of_the_day_of_export_before_it_and_after_the_days_do_not_count(
    business, member, client, run_jobs, time_machine
):
    export(client, member)
    campaign = ListCampaign.objects.get()
    for days in (-3, 0, 31):
        sold(business, campaign, treated=50, held=20, days=days)
    counted(business, run_jobs, time_machine)
    assert not any(CampaignOutcome.objects.values_list("orders", flat=True))


def test_cancelled_orders_do_not_count(business, member, client, run_jobs, time_machine):
    export(client, member)
    sold(business, ListCampaign.objects.get(), treated=50, held=20)
    Order.objects.exclude(customer="stranger").update(state="cancelled")
    counted(business, run_jobs, time_machine)
    assert not any(CampaignOutcome.objects.values_list("ordered", flat=True))


def test_without_a_hold_out_there_is_a_rate_and_no_lift(business, member, client, run_jobs, time_machine):
    export(client, member, share="0")
    sold(business, ListCampaign.objects.get(), treated=200, held=0)
    counted(business, run_jobs, time_machine)
    found = own(client, member).tested
    assert found.ordered.value == 0.2
    assert found.lift == found.extra_orders == found.held_out_ordered == Unavailable("no_holdout")


def test_unknown_amounts_leave_the_money_unknown_and_not_zero(business, member, client, run_jobs, time_machine):
    export(client, member)
    sold(business, ListCampaign.objects.get(), treated=270, held=10)
    Order.objects.filter(customer__in=held_out(ListCampaign.objects.get())).update(cogs=None)
    counted(business, run_jobs, time_machine)
    found = own(client, member).tested
    assert found.extra_contribution == Unavailable("no_cost_data")
    assert found.extra_revenue.value == pytest.approx(0.2 * 900 * 40)


def test_the_table_is_a_file_with_intervals(business, member, reader, client, run_jobs, time_machine):
    export(client, member)
    sold(business, ListCampaign.objects.get(), treated=270, held=10)
    counted(business, run_jobs, time_machine)
    client.force_login(reader)
    content = client.get(reverse("aftersales-file", args=["acme", "campaigns", "own", "csv"])).content
    head, row = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    told = dict(zip(head, row, strict=True))
    assert (told["Written to"], told["Held out"], told["Exported by"]) == ("900", "100", "Mei")
    assert float(told["Lift, low"]) < float(told["Lift"]) < float(told["Lift, high"])


def test_a_market_shows_its_campaigns_and_those_of_all(business, member, client, run_jobs):
    for name, market in (("all", ""), ("US", "US"), ("DE", "DE")):
        export(client, member, name=name, market=market)
    measured(business)
    run_jobs()
    names = {entry["row"].campaign.name for entry in page(client, member, market="DE").context["own"]}
    assert names == {"all", "DE"}


# --- changed, deleted, taken back -------------------------------------------------------------------------------------
def test_its_name_can_be_changed_and_not_who_was_drawn(business, member, client):
    export(client, member)
    campaign = ListCampaign.objects.get()
    address = reverse("aftersales-lists-edit", args=["acme", campaign.pk])
    client.post(
        address, {"name": "Come back", "note": "by mail", "seen": "1", "share": "0", "list": "due", "days": "7"}
    )
    campaign.refresh_from_db()
    assert (campaign.name, campaign.share, campaign.list, campaign.days) == ("Come back", 10, "slipping", 30)


def test_a_deleted_one_comes_back_with_its_customers_and_results(business, member, client, run_jobs, time_machine):
    export(client, member)
    campaign = ListCampaign.objects.get()
    sold(business, campaign, treated=270, held=10)
    counted(business, run_jobs, time_machine)
    before = own(client, member)
    drawn = held_out(campaign)
    client.post(reverse("aftersales-lists-delete", args=["acme", campaign.pk]), {"seen": "1"})
    assert page(client, member).context["own"] == []
    (made, *_rest) = page(client, member).context["changes"]
    client.post(made.undo)
    after = own(client, member)
    assert after.campaign.pk == campaign.pk
    assert after.tested == before.tested
    assert held_out(campaign) == drawn
    assert CampaignMember.objects.count() == LISTED


def test_adding_one_can_be_taken_back(business, member, client, run_jobs):
    export(client, member)
    measured(business)
    run_jobs()
    (made,) = page(client, member).context["changes"]
    client.post(made.undo)
    assert not ListCampaign.objects.exists()
