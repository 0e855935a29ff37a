"""The simulated business: seeded, consistent, and honest about what is planted in it."""

import dataclasses
import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.db.models import Sum
from django.test import Client
from pytest_django import Settings

from flywheel.accounts.models import Membership, Role, Workspace
from flywheel.demo import files, loading
from flywheel.demo.economy import economy
from flywheel.demo.files import csv_bytes, market_rates
from flywheel.demo.generate import generate
from flywheel.demo.management.commands import load_demo
from flywheel.demo.norrsken import MARKETS, WEAK_LINK, demo_world
from flywheel.demo.unpaid import unpaid_orders
from flywheel.demo.workspace import EMAIL, PASSWORD
from flywheel.demo.world import DRIVER_ENGINE, STAGE_RATES, STAGES, Plant, World
from flywheel.diagnosis.models import Diagnosis
from flywheel.facts.currency import rates
from flywheel.facts.models import DirtyWeek, Order, Session, Traffic
from flywheel.intake.models import Batch
from flywheel.jobs.models import Job

UNTIL = dt.date(2026, 3, 18)  # a Wednesday: the running week has three days
ORDERS = 20_000
UNITS = {market.currency: market.units_per_base for market in MARKETS} | {"EUR": 1.0}
TEMPLATE_COLUMNS = {
    "orders": "order_id customer_id market channel device payment_method carrier status ordered_at currency gross "
    "discount shipping tax total cogs fulfilment_cost payment_cost units promised_at shipped_at delivered_at",
    "order_lines": "order_id line sku name category quantity price currency",
    "customers": "customer_id person_id market",
    "payments": "order_id sequence method amount",
    "refunds": "refund_id order_id refunded_at amount currency reason",
    "traffic": "date market channel device " + " ".join(STAGES),
    "spend": "date currency cost market channel campaign impressions clicks",
    "reviews": "review_id rating reviewed_at order_id market channel has_media",
    "tickets": "ticket_id opened_at order_id customer_id market channel first_reply_at solved_at reason proactive csat",
    "survey_answers": "answer_id score answered_at customer_id order_id market channel",
    "referrals": "referral_id referrer_id invited_at referred_id order_id market channel",
    "campaigns": "campaign_id sent_at name channel market sent opened clicked ordered unsubscribed held_out "
    "held_out_ordered",
    "page_experience": "week market device lcp_ms inp_ms cls",
    "investments": "month engine market kind amount currency name",
}
Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def healthy() -> Frames:
    return generate(demo_world(ORDERS, planted=False), seed=3, until=UNTIL)


@pytest.fixture(scope="module")
def broken() -> Frames:
    return generate(demo_world(ORDERS), seed=3, until=UNTIL)


def small_world(*plants: Plant, **changes: object) -> World:
    return dataclasses.replace(demo_world(6_000), plants=plants, **changes)


def day_of_order(orders: pd.DataFrame) -> pd.Series:
    return orders["ordered_at"].dt.tz_convert("Europe/Berlin").dt.tz_localize(None).dt.normalize()


def recent(frame: pd.DataFrame, weeks: int = 10) -> pd.DataFrame:
    """The rows of traffic or truth in the last complete `weeks` before UNTIL."""
    column = "week" if "week" in frame else "date"
    end = pd.Timestamp(UNTIL) - pd.Timedelta(days=UNTIL.weekday())
    return frame[(frame[column] >= end - pd.Timedelta(weeks=weeks)) & (frame[column] < end)]


def test_the_same_seed_gives_the_same_frames(healthy: Frames) -> None:
    again = generate(demo_world(ORDERS, planted=False), seed=3, until=UNTIL)
    assert set(again) == set(healthy)
    for name, frame in again.items():
        pd.testing.assert_frame_equal(frame, healthy[name])


def test_another_seed_gives_another_business(healthy: Frames) -> None:
    other = generate(demo_world(ORDERS, planted=False), seed=4, until=UNTIL)
    assert not other["traffic"]["sessions"].head(500).equals(healthy["traffic"]["sessions"].head(500))


@pytest.mark.parametrize("kind", TEMPLATE_COLUMNS)
def test_columns_are_those_of_the_generic_template(healthy: Frames, kind: str) -> None:
    assert list(healthy[kind].columns) == TEMPLATE_COLUMNS[kind].split()


def test_every_accepted_payment_of_the_traffic_is_an_order(broken: Frames) -> None:
    keys = ["date", "market", "channel", "device"]
    orders = broken["orders"].assign(date=day_of_order(broken["orders"])).groupby(keys).size()
    traffic = broken["traffic"].set_index(keys)["payments"]
    traffic = traffic[traffic > 0]
    assert orders.to_dict() == traffic.to_dict()


def test_no_stage_of_the_journey_has_more_sessions_than_the_one_before(healthy: Frames) -> None:
    counts = healthy["traffic"][list(STAGES)].to_numpy()
    assert (np.diff(counts, axis=1) <= 0).all()


def test_it_covers_the_complete_weeks_and_the_running_one_up_to_its_last_day(healthy: Frames) -> None:
    days = healthy["traffic"]["date"]
    assert (days.min().weekday(), days.max().date()) == (0, UNTIL)
    assert (days.max() - days.min()).days + 1 == 104 * 7 + 3
    assert healthy["truth"]["week"].nunique() == 104


def test_nothing_happens_after_the_last_day(healthy: Frames) -> None:
    end = pd.Timestamp(UNTIL + dt.timedelta(days=1), tz="Europe/Berlin")
    moments = {"orders": ["ordered_at", "shipped_at", "delivered_at"], "refunds": ["refunded_at"]}
    moments |= {"reviews": ["reviewed_at"], "tickets": ["opened_at", "first_reply_at", "solved_at"]}
    moments |= {"survey_answers": ["answered_at"], "referrals": ["invited_at"], "campaigns": ["sent_at"]}
    for kind, columns in moments.items():
        for column in columns:
            assert healthy[kind][column].max() < end, (kind, column)


@pytest.mark.parametrize(("orders", "allowed"), [(5_000, 0.08), (60_000, 0.03)])
def test_the_number_of_orders_is_about_what_was_asked_for(orders: int, allowed: float) -> None:
    counted = len(generate(demo_world(orders), seed=11, until=UNTIL)["orders"])
    assert abs(counted / orders - 1) < allowed


def test_markets_are_of_very_unequal_size_in_several_currencies(healthy: Frames) -> None:
    orders = healthy["orders"]
    sizes = orders["market"].value_counts()
    assert len(sizes) >= 6
    assert sizes.iloc[0] > 8 * sizes.iloc[-1]
    assert orders["currency"].nunique() >= 5
    days = orders["ordered_at"].to_numpy(dtype="datetime64[D]")
    assert not rates(orders["currency"].tolist(), days, "EUR").missing.any()
    assert orders["channel"].nunique() == 8


def test_amounts_in_yen_have_no_decimals(healthy: Frames) -> None:
    yen = healthy["orders"].query("currency == 'JPY'")
    amounts = yen[["gross", "discount", "shipping", "tax", "total", "cogs"]].to_numpy()
    assert len(yen)
    assert (amounts == amounts.round()).all()


def test_an_order_is_the_sum_of_its_lines_and_of_its_parts(healthy: Frames) -> None:
    orders, lines = healthy["orders"].set_index("order_id"), healthy["order_lines"]
    goods = (lines["price"] * lines["quantity"]).groupby(lines["order_id"]).sum()
    assert np.allclose(goods.reindex(orders.index), orders["gross"])
    parts = orders["gross"] - orders["discount"] + orders["shipping"] + orders["tax"]
    assert np.allclose(parts, orders["total"])
    assert np.allclose(healthy["payments"].set_index("order_id")["amount"], orders["total"])


def test_unpaid_orders_are_failed_attempts_of_their_day_and_market(broken: Frames) -> None:
    orders, traffic = broken["orders"], broken["traffic"]
    unpaid = unpaid_orders(orders, traffic, seed=3)
    pd.testing.assert_frame_equal(unpaid, unpaid_orders(orders, traffic, seed=3))
    keys = ["date", "market", "channel", "device"]
    failed = traffic.set_index(keys).eval("payment_attempts - payments")
    left = unpaid.assign(date=day_of_order(unpaid)).groupby(keys).size()
    assert (left <= failed.reindex(left.index)).all()
    assert not set(unpaid["order_id"]) & set(orders["order_id"])
    assert set(unpaid["currency"]) == set(orders["currency"])
    share = unpaid["payment_method"].value_counts() / orders["payment_method"].value_counts()
    assert share["boleto"] > share["card"] > share["paypal"]


def test_some_articles_are_taken_together_and_nothing_else_changes(healthy: Frames) -> None:
    lines = healthy["order_lines"]
    held = lines.groupby("order_id")["sku"].agg(frozenset)
    both = held.map(lambda skus: {"NO-026", "NO-023"} <= skus).mean()
    apart = held.map(lambda skus: "NO-026" in skus).mean() * held.map(lambda skus: "NO-023" in skus).mean()
    assert both / apart > 3
    assert lines.groupby("sku")["name"].nunique().eq(1).all()
    assert lines["name"].nunique() == lines["sku"].nunique()


def test_no_refund_exceeds_its_order(healthy: Frames) -> None:
    net = healthy["orders"].set_index("order_id").eval("gross - discount")
    refunded = healthy["refunds"].groupby("order_id")["amount"].sum()
    assert (refunded <= net.reindex(refunded.index) + 0.01).all()
    assert 0.03 < refunded.sum() / net.sum() < 0.06


def test_no_file_holds_an_e_mail_address(healthy: Frames) -> None:
    for frame in healthy.values():
        texts = [frame[name] for name in frame if pd.api.types.is_string_dtype(frame[name])]
        assert texts
        assert not any(text.str.contains("@").any() for text in texts)


def test_what_hangs_on_orders_names_orders_that_exist(healthy: Frames) -> None:
    known = set(healthy["orders"]["order_id"])
    assert healthy["orders"]["order_id"].is_unique
    for kind in ("order_lines", "payments", "refunds", "reviews", "tickets", "survey_answers"):
        assert set(healthy[kind]["order_id"]) <= known, kind
    assert set(healthy["referrals"]["order_id"]) <= known | {""}
    assert set(healthy["customers"]["customer_id"]) == set(healthy["orders"]["customer_id"])


def test_a_customers_first_order_is_the_only_one_through_referral(healthy: Frames) -> None:
    orders = healthy["orders"]
    referred = orders[orders["channel"] == "referral"]
    first = ~orders["customer_id"].duplicated()
    assert len(referred)
    assert first[referred.index].all()


def test_every_order_through_referral_has_its_invitation(healthy: Frames) -> None:
    orders, invitations = healthy["orders"], healthy["referrals"]
    came = set(orders.loc[orders["channel"] == "referral", "order_id"])
    assert set(invitations["order_id"]) - {""} == came
    assert len(invitations) > 3 * len(came)
    taken = invitations.merge(orders, on="order_id")
    assert (taken["invited_at"] < taken["ordered_at"]).all()


def test_every_other_mailing_has_a_holdout_that_orders_less(healthy: Frames) -> None:
    mails = healthy["campaigns"]
    held = mails.loc[mails["held_out"].notna()]
    assert held["campaign_id"].nunique() == mails["campaign_id"].nunique() // 2
    assert held["held_out_ordered"].notna().all()
    rates = held[["ordered", "held_out_ordered"]].sum() / held[["sent", "held_out"]].sum().to_numpy()
    assert rates["ordered"] > rates["held_out_ordered"] > 0


def test_the_economy_is_sane(healthy: Frames) -> None:
    measured = economy(healthy, UNITS, UNTIL).loc["all"]
    bounds = {"cvr": (0.015, 0.03), "margin": (0.35, 0.45), "repeat_90": (0.12, 0.28), "ltv_cac": (1.5, 3.0)}
    bounds |= {"on_time": (0.9, 0.96), "referred": (0.05, 0.15), "rating": (3.9, 4.5), "tickets": (0.08, 0.12)}
    for name, (low, high) in bounds.items():
        assert low < measured[name] < high, name


def test_late_parcels_cost_repeat_orders_and_stars(healthy: Frames) -> None:
    orders, reviews = healthy["orders"], healthy["reviews"]
    counts = orders.groupby("customer_id").size()
    first = orders[~orders["customer_id"].duplicated() & orders["delivered_at"].notna()]
    late = (first["delivered_at"] > first["promised_at"]).to_numpy()
    returned = (first["customer_id"].map(counts) > 1).to_numpy()
    assert returned[late].mean() < 0.85 * returned[~late].mean()
    overdue = orders.set_index("order_id").eval("delivered_at > promised_at").reindex(reviews["order_id"]).to_numpy()
    assert reviews["rating"][overdue].mean() < reviews["rating"][~overdue].mean() - 1


def test_measured_stage_rates_agree_with_the_truth_within_sampling_error(broken: Frames) -> None:
    traffic, truth = broken["traffic"], broken["truth"].set_index(["week", "market"])
    week = traffic["date"] - pd.to_timedelta(traffic["date"].dt.day_of_week, unit="D")
    sums = traffic.groupby([week.rename("week"), "market"])[list(STAGES)].sum().loc[truth.index]
    for before, after, rate in zip(STAGES, STAGES[1:], STAGE_RATES, strict=False):
        true, n = truth[rate].to_numpy(), sums[before].to_numpy()
        error = (sums[after].to_numpy() - n * true) / np.sqrt(np.maximum(n * true * (1 - true), 1e-9))
        error = error[n >= 30]
        assert abs(error.mean()) < 5 / np.sqrt(len(error)), rate
        assert 0.85 < error.std() < 1.15, rate


def test_measured_values_after_the_sale_agree_with_the_truth(healthy: Frames) -> None:
    orders, truth = healthy["orders"], healthy["truth"]
    weights = truth["first_orders"]
    arrived = orders[orders["delivered_at"].notna()]
    in_time = arrived["delivered_at"] <= arrived["promised_at"] + pd.Timedelta(hours=6)
    assert in_time.mean() == pytest.approx(np.average(truth["on_time_share"], weights=weights), abs=0.008)
    old = orders[orders["ordered_at"] < pd.Timestamp(UNTIL, tz="UTC") - pd.Timedelta(days=90)]
    refunded = healthy["refunds"]["order_id"].isin(old["order_id"])
    rate = base(healthy["refunds"][refunded], "amount") / base(old, "gross", "discount")
    assert rate == pytest.approx(np.average(truth["refund_rate"], weights=weights), rel=0.1)


@pytest.mark.parametrize(
    "plants",
    [
        (),
        (Plant("repeat_rate", 0.7, shape="always"),),
        (Plant("on_time_share", 0.5, shape="always"),),
        (Plant("payment_rate", 0.5, shape="always"),),
    ],
    ids=["healthy", "repeat_rate", "on_time_share", "payment_rate"],
)
def test_measured_repeat_orders_in_twelve_months_agree_with_the_truth(plants: tuple[Plant, ...]) -> None:
    frames = generate(small_world(*plants, orders=30_000, growth=0.0), seed=8, until=UNTIL)
    orders, truth = frames["orders"], frames["truth"]
    first = orders.groupby("customer_id")["ordered_at"].transform("min")
    old = orders[first < pd.Timestamp(UNTIL, tz="UTC") - pd.Timedelta(days=365)]
    within = old[old["ordered_at"] <= first[old.index] + pd.Timedelta(days=365)]
    repeats = len(within) / within["customer_id"].nunique() - 1
    assert repeats == pytest.approx(np.average(truth["repeat_orders"], weights=truth["first_orders"]), rel=0.06)


def base(frame: pd.DataFrame, plus: str, minus: str = "") -> float:
    amount = frame[plus] - (frame[minus] if minus else 0)
    return float((amount / frame["currency"].map(UNITS).astype(float)).sum())


def test_the_weak_link_is_in_the_truth_and_in_the_data(broken: Frames) -> None:
    truth = recent(broken["truth"])
    lost = truth.groupby("market")["planted_loss"].sum()
    assert list(lost[lost > 1].index) == ["US"]
    assert 0.08 < truth["planted_loss"].sum() / truth["value_unplanted"].sum() < 0.14
    sums = recent(broken["traffic"]).groupby(["market", "device"])[["payment_attempts", "payments"]].sum()
    rate = sums["payments"] / sums["payment_attempts"]
    assert rate["US", "mobile"] < 0.8 * rate["US", "desktop"]
    assert rate["DE", "mobile"] > 0.93 * rate["DE", "desktop"]


def test_before_its_onset_a_plant_loses_nothing(broken: Frames) -> None:
    truth = broken["truth"]
    end = pd.Timestamp(UNTIL) - pd.Timedelta(days=UNTIL.weekday())
    before = truth[truth["week"] < end + pd.Timedelta(weeks=WEAK_LINK.onset_week)]
    assert before["planted_loss"].abs().max() < 1e-6


def test_with_nothing_planted_nothing_is_lost(healthy: Frames) -> None:
    assert healthy["truth"]["planted_loss"].abs().max() == 0
    sums = recent(healthy["traffic"]).query("device == 'mobile'").groupby("market")[["payment_attempts", "payments"]]
    paid = sums.sum()
    rate = paid["payments"] / paid["payment_attempts"]
    assert rate["US"] == pytest.approx(rate["DE"], abs=0.05)


@pytest.mark.parametrize("driver", DRIVER_ENGINE)
def test_every_driver_can_be_planted_and_costs_value_there_and_nowhere_else(driver: str) -> None:
    size = 1.9 if driver in {"refund_rate", "first_reply"} else 0.7
    truth = generate(small_world(Plant(driver, size, market="DE", shape="always")), seed=5, until=UNTIL)["truth"]
    lost = truth.groupby("market")["planted_loss"].sum()
    assert lost["DE"] > 0
    assert lost.drop("DE").abs().max() < 1e-6


def test_a_creeping_plant_reaches_its_size_step_by_step() -> None:
    plant = Plant("cart_rate", 0.5, onset_week=-12, shape="creeping", market="GB", ramp_weeks=8)
    frames = generate(small_world(plant, rate_noise=0.0, promotions=()), seed=5, until=UNTIL)
    lost = frames["truth"].query("market == 'GB'").set_index("week").eval("planted_loss / value_unplanted")
    assert lost.iloc[-13] == 0
    assert (lost.iloc[-12:-3].diff().dropna() > 0).all()


def test_a_plant_in_a_payment_method_takes_it_out_of_the_mix() -> None:
    plant = Plant("payment_rate", 0.2, market="BR", method="pix", shape="always")
    world = dataclasses.replace(demo_world(40_000), plants=(plant,))
    methods = generate(world, seed=5, until=UNTIL)["orders"].query("market == 'BR'")["payment_method"]
    expected = 0.44 * 0.2 / (0.44 * 0.2 + 0.56)
    assert (methods == "pix").mean() == pytest.approx(expected, abs=0.03)


def test_a_plant_in_a_carrier_makes_its_parcels_late() -> None:
    plant = Plant("on_time_share", 0.6, carrier="hermes", shape="always")
    orders = generate(small_world(plant), seed=5, until=UNTIL)["orders"].query("market == 'DE'").dropna()
    late = (orders["delivered_at"] > orders["promised_at"]).groupby(orders["carrier"]).mean()
    assert late["hermes"] > 0.4
    assert late["dhl"] < 0.15


def test_prices_follow_the_rates_on_the_first_of_a_month() -> None:
    world = dataclasses.replace(small_world(), markets=MARKETS[:2])
    days = 104 * 7 + 3
    doubled = {"USD": np.where(np.arange(days) < days // 2, 1.0, 2.0)}
    orders = generate(world, seed=5, until=UNTIL, rates=doubled)["orders"].query("market == 'US'")
    middle = pd.Timestamp(UNTIL, tz="UTC") - pd.Timedelta(days=days // 2)
    early = orders[orders["ordered_at"] < middle - pd.Timedelta(days=7)]["gross"].mean()
    later = orders[orders["ordered_at"] > middle + pd.Timedelta(days=40)]["gross"].mean()
    assert later / early == pytest.approx(2.0, rel=0.08)


@pytest.mark.parametrize(
    "plant",
    [
        {"driver": "luck", "size": 0.5},
        {"driver": "aov", "size": 0.0},
        {"driver": "aov", "size": 0.5, "market": "XX"},
        {"driver": "aov", "size": 0.5, "carrier": "dhl"},
    ],
)
def test_it_refuses_a_plant_that_cannot_be(plant: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"driver|size|market|carrier"):
        small_world(Plant(**plant))


# --- loading ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def demo_home(settings: Settings, tmp_path: Path, empty_queue: None) -> Iterator[Path]:
    """A folder of its own for the demo's files and uploads, on the morning after UNTIL."""
    settings.VAR_DIR = tmp_path
    settings.UPLOAD_DIR = tmp_path / "uploads"
    with time_machine.travel(dt.datetime.combine(UNTIL, dt.time(8), dt.UTC) + dt.timedelta(days=1)):
        yield tmp_path / "demo"


def load(*options: str) -> str:
    """Run load_demo for a small business; returns what it prints."""
    out = io.StringIO()
    call_command("load_demo", "--orders", "4000", *options, stdout=out)
    return out.getvalue()


def demo_workspace() -> Workspace:
    return Workspace.objects.get(slug="demo")


def paid_sessions() -> int:
    """Of the daily traffic, and of the weeks that come as single events."""
    return sum(model.objects.aggregate(sum=Sum("payments"))["sum"] for model in (Traffic, Session))


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_the_demo_is_loaded_whole_and_once(demo_home: Path, client: Client) -> None:
    load()  # takes seconds: once for all that is said of it
    _every_file_is_loaded_and_ends_in_a_verdict()
    _what_is_loaded_is_what_was_generated()
    _its_account_can_log_in_and_owns_it(client)
    _a_second_run_does_nothing()


def _every_file_is_loaded_and_ends_in_a_verdict() -> None:
    workspace = demo_workspace()
    assert set(Batch.objects.filter(workspace=workspace).values_list("state", flat=True)) == {"loaded"}
    assert not Job.objects.exclude(state=Job.State.DONE).exists()
    assert Diagnosis.objects.get(workspace=workspace).week == dt.date(2026, 3, 9)
    assert not DirtyWeek.objects.exists()


def _what_is_loaded_is_what_was_generated() -> None:
    world = demo_world(4000)
    frames = generate(world, load_demo.SEED, UNTIL, market_rates(world, UNTIL))
    orders = Order.objects.filter(workspace=demo_workspace())
    assert orders.filter(counts=True).count() + orders.filter(state="cancelled").count() == len(frames["orders"])
    assert orders.filter(state="unpaid").count() == len(
        unpaid_orders(frames["orders"], frames["traffic"], load_demo.SEED)
    )
    for market, total in frames["orders"].groupby("market")["gross"].sum().items():
        assert float(orders.filter(market=market).aggregate(sum=Sum("gross"))["sum"]) == pytest.approx(total)
    assert paid_sessions() == len(frames["orders"])
    assert not orders.filter(fx_rate=None).exists()


def _its_account_can_log_in_and_owns_it(client: Client) -> None:
    assert client.login(email=EMAIL, password=PASSWORD)
    membership = Membership.objects.get(workspace=demo_workspace())
    assert (membership.user.email, membership.role) == (EMAIL, Role.OWNER)
    assert EmailAddress.objects.get(email=EMAIL).verified
    assert demo_workspace().is_demo


def _a_second_run_does_nothing() -> None:
    before = list(Batch.objects.values_list("pk", "loaded_at")), Job.objects.count()
    assert "is there" in load("--no-plant")
    assert (list(Batch.objects.values_list("pk", "loaded_at")), Job.objects.count()) == before


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_the_verdict_names_the_planted_weak_link(demo_home: Path) -> None:
    load("--orders", "40000")
    verdict = Diagnosis.objects.get(workspace=demo_workspace()).result["verdict"]
    assert (verdict["engine"], verdict["driver"], verdict["market"]) == ("conversion", "payment_rate", "US")
    assert ("device", "mobile") in [(segment["dimension"], segment["value"]) for segment in verdict["segments"]]


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_with_nothing_planted_there_is_no_call(demo_home: Path) -> None:
    load("--orders", "40000", "--no-plant")
    verdict = Diagnosis.objects.get(workspace=demo_workspace()).result["verdict"]
    assert not verdict["called"]
    assert verdict["reason"] in {"nothing_stands_out", "at_reference", "not_sure"}


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_load_interrupted_between_files_leaves_nothing_and_runs_again(
    demo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_file = loading._load_file

    def stop_at_traffic(workspace: Workspace, kind: str, path: Path) -> Batch:
        if kind == "traffic":
            raise KeyboardInterrupt
        return load_file(workspace, kind, path)

    monkeypatch.setattr(loading, "_load_file", stop_at_traffic)
    with pytest.raises(KeyboardInterrupt):
        load()
    assert not Workspace.objects.exists()
    assert not Order.objects.exists()
    assert not Job.objects.exists()
    monkeypatch.setattr(loading, "_load_file", load_file)
    load()
    assert paid_sessions() == Order.objects.exclude(state="unpaid").count()
    assert Diagnosis.objects.filter(workspace=demo_workspace()).exists()


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_load_interrupted_before_its_verdict_is_finished(demo_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(load_demo, "finish", stop)
        with pytest.raises(KeyboardInterrupt):
            load()
    assert DirtyWeek.objects.exists()
    assert "is there" in load()
    assert not DirtyWeek.objects.exists()
    assert Diagnosis.objects.get(workspace=demo_workspace()).result["verdict"]["reason"] != "no_traffic_data"


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_rejected_stops_the_load_and_says_where(
    demo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "csv_bytes", lambda frame: csv_bytes(frame).replace(b"N1000007,", b",", 1))
    with pytest.raises(CommandError, match=r"orders.csv.gz was not loaded \(line 8, order_id: required\)"):
        load()
    assert not Workspace.objects.exists()


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_fresh_makes_the_demo_anew(demo_home: Path) -> None:
    load()
    first = demo_workspace().pk
    load("--fresh", "--orders", "2000")
    assert demo_workspace().pk != first
    assert 1_800 < Order.objects.count() < 2_200


@pytest.mark.django_db
def test_it_does_not_touch_a_workspace_that_is_no_demo(demo_home: Path, workspace: Workspace) -> None:
    with pytest.raises(CommandError, match="not a demo"):
        load("--slug", workspace.slug, "--fresh")
    assert Workspace.objects.filter(pk=workspace.pk).exists()


@pytest.mark.django_db
def test_it_refuses_a_size_it_cannot_make(demo_home: Path) -> None:
    with pytest.raises(CommandError, match="--orders"):
        load("--orders", "10")


def test_it_prints_what_the_business_amounts_to_and_loads_nothing() -> None:
    out = io.StringIO()
    call_command("load_demo", "--orders", "4000", "--until", UNTIL.isoformat(), "--economy", stdout=out)
    lines = out.getvalue().splitlines()
    assert "ltv_cac" in lines[0]
    assert {line.split()[0] for line in lines[1:]} == {market.code for market in MARKETS} | {"all"}
