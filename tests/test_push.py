"""Facts sent to the API: what is stored, what is refused and how that is told."""

import gzip
import io
import json
import threading
from decimal import Decimal

import orjson
import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from flywheel.accounts.api import ApiError
from flywheel.facts.models import Change, Customer, DirtyWeek, ExchangeRate, Order, Spend, Traffic
from flywheel.intake import batches, idempotency, push
from flywheel.intake.api_schemas import example_row
from flywheel.intake.bodies import body_of
from flywheel.intake.kinds import KINDS, ORDERS
from flywheel.intake.models import Batch, KeptAnswer
from flywheel.intake.preparing import Issue
from flywheel.intake.push import MOST_ROWS
from flywheel.jobs.models import Job
from tests.builders import Silent, order
from tests.callers import Caller


@pytest.fixture
def caller(workspace):
    return Caller(workspace)


def orders(count, **cells):
    return [order(f"A-{n}", customer_id=f"C-{n}", **cells) for n in range(count)]


def codes(answer):
    return [(error["row"], error["column"], error["code"]) for error in answer.json()["errors"]]


# --- what is stored -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.slug)
def test_the_example_row_of_every_kind_is_stored(caller, workspace, kind):
    answer = caller.push(kind.slug, [example_row(kind)])
    assert (answer.status_code, answer.json()["added"]) == (200, 1), answer.content
    assert kind.model._default_manager.filter(workspace=workspace).count() == 1


def test_stored_rows_are_counted_and_their_weeks_are_rolled(caller, workspace):
    caller.push("orders", orders(2))
    answer = caller.push(
        "orders", [*orders(1), order("A-1", customer_id="C-1", gross="90"), order("A-9"), order("A-9")]
    )
    told = answer.json()
    assert [told[name] for name in ("rows", "accepted", "added", "changed", "unchanged", "repeated", "rejected")] == [
        4, 4, 1, 1, 1, 1, 0,
    ]  # fmt: skip
    assert [note["code"] for note in told["notes"]] == ["duplicates"]
    assert DirtyWeek.objects.filter(workspace=workspace).exists()
    assert Job.objects.filter(workspace=workspace, kind="roll", state="queued").count() == 1


def test_values_may_be_texts_numbers_booleans_and_null(caller):
    row = order("A-1", customer_id=7, gross=100.10, discount=None, shipping="4.90", units=2.0, tax=1e-3)
    assert caller.push("orders", [row]).status_code == 200
    stored = Order.objects.get()
    assert (stored.customer_ref, str(stored.gross), stored.discount, str(stored.shipping), stored.units) == (
        "7", "100.1000", None, "4.9000", 2,
    )  # fmt: skip
    assert str(stored.tax) == "0.0010"
    answer = caller.push("reviews", [{"review_id": 1, "rating": 5, "reviewed_at": "2026-03-02", "has_media": True}])
    assert answer.status_code == 200


def test_a_field_that_is_absent_or_null_leaves_alone_what_is_known(caller):
    caller.push("orders", [order("A-1", carrier="DHL", discount="5")])
    row = {"order_id": "A-1", "ordered_at": "2026-03-02 10:00:00", "currency": "EUR", "carrier": None, "gross": 80}
    assert caller.push("orders", [row, order("A-2")]).json()["changed"] == 1
    stored = Order.objects.get(external_id="A-1")
    assert (stored.carrier, stored.discount, stored.gross) == ("DHL", 5, 80)


def test_rows_may_be_a_bare_list_or_lines(caller, workspace):
    bare = caller.send("orders", orjson.dumps(orders(1)))
    lines = b"\n".join(map(orjson.dumps, orders(3))) + b"\n\n"
    assert bare.json()["added"] == 1
    assert caller.send("orders", lines, "application/x-ndjson; charset=utf-8").json()["added"] == 2
    assert Order.objects.filter(workspace=workspace).count() == 3


def test_a_body_may_be_packed(caller):
    body = gzip.compress(orjson.dumps(orders(2)))
    assert caller.send("orders", body, Content_Encoding="gzip").json()["added"] == 2


def test_a_push_is_a_batch_on_the_imports_page_and_can_be_undone(caller, workspace, client, owner):
    told = caller.push("orders", orders(2)).json()
    batch = Batch.objects.get(pk=told["batch"])
    assert (batch.state, batch.file_name, batch.path, batch.created_by, batch.rows) == ("loaded", "API", "", None, 2)
    client.force_login(owner)
    page = client.get(reverse("import-list", args=["acme"])).content.decode()
    assert reverse("import-detail", args=["acme", batch.pk]) in page
    assert client.get(reverse("import-detail", args=["acme", batch.pk])).status_code == 200
    batches.undo(batch, Silent())
    assert not Order.objects.filter(workspace=workspace).exists()


def test_what_a_push_changes_is_kept_for_the_undo(caller, workspace):
    caller.push("orders", [order("A-1", gross=100)])
    told = caller.push("orders", [order("A-1", gross=90)]).json()
    assert Change.objects.filter(workspace=workspace, batch_id=told["batch"]).count() == 1
    batches.undo(Batch.objects.get(pk=told["batch"]), Silent())
    assert Order.objects.get().gross == 100


def test_the_batch_can_be_asked_for(caller):
    told = caller.push("orders", orders(2)).json()
    state = caller.get(f"batches/{told['batch']}").json()
    assert (state["kind"], state["source"], state["state"], state["added"]) == ("orders", "shop", "loaded", 2)
    assert caller.get(f"batches/{told['batch'] + 1}").status_code == 404


def test_rows_of_nothing_but_their_key_are_stored(caller):
    assert caller.push("customers", [{"customer_id": "C-1"}]).json()["added"] == 1
    assert caller.push("customers", [{"customer_id": "C-1"}]).json()["unchanged"] == 1


# --- what is refused ------------------------------------------------------------------------------------------------
def test_every_bad_row_is_told_at_once_and_nothing_is_stored(caller, workspace):
    rows = [
        order("A-0", currency="XXX"),
        order("A-1"),
        "no row",
        order("A-3", gross="abc", ordered_at="yesterday"),
        order("A-4", colour="red", Gross=1),
        order("A-5", gross=[1], shipping=2**53),
        order("A-1", gross=1),
        order(""),
    ]
    answer = caller.push("orders", rows)
    assert answer.status_code == 422
    assert sorted(codes(answer)) == [
        (0, "currency", "rate"),
        (2, "", "object"),
        (3, "gross", "money"),
        (3, "ordered_at", "timestamp"),
        (4, "Gross", "unknown_field"),
        (4, "colour", "unknown_field"),
        (5, "gross", "plain_value"),
        (5, "shipping", "amount"),
        (6, "order_id", "conflict_row"),
        (7, "order_id", "required"),
    ]
    told = answer.json()
    assert (told["accepted"], told["rows"], told["error"]["code"]) == (0, 8, "rows")
    assert not Order.objects.filter(workspace=workspace).exists()
    assert not Batch.objects.filter(workspace=workspace).exists()
    assert not Job.objects.exists()


def test_a_field_that_does_not_exist_names_the_one_most_like_it(caller):
    answer = caller.push("orders", [order("A-1", custmer_id="C-1")])
    assert "customer_id" in answer.json()["errors"][0]["message"]


def test_a_whole_number_that_json_cannot_hold_exactly_is_no_id(caller):
    answer = caller.send("orders", orjson.dumps([order("A-1")]).replace(b'"A-1"', b"123456789012345678901234"))
    assert codes(answer) == [(0, "order_id", "exact")]


def test_personal_values_are_not_told_again(caller):
    row = order("A-1", customer_email="not-an-address", customer_id={"mail": "ann@example.com"})
    answer = caller.push("orders", [row])
    assert {error["value"] for error in answer.json()["errors"]} == {""}
    twice = [{"customer_id": "C-7", "market": market} for market in ("DE", "US")]
    told = caller.push("customers", twice)
    assert codes(told) == [(1, "customer_id", "conflict_row")]
    assert b"C-7" not in told.content
    assert not Customer.objects.exists()


def test_with_skip_the_good_rows_are_stored_and_the_bad_ones_listed(caller):
    rows = [order("A-0"), order("A-1", currency="XXX"), order("A-2"), order("A-2", gross=1), 5]
    answer = caller.push("orders", rows, on_error="skip")
    told = answer.json()
    assert (answer.status_code, told["accepted"], told["added"], told["rejected"]) == (207, 2, 2, 3)
    assert codes(answer) == [(1, "currency", "rate"), (3, "order_id", "conflict_row"), (4, "", "object")]
    assert sorted(Order.objects.values_list("external_id", flat=True)) == ["A-0", "A-2"]
    assert Batch.objects.get().rejected == 3


def test_with_skip_and_no_good_row_nothing_is_stored(caller):
    assert caller.push("orders", [order("A-1", currency="XXX")], on_error="skip").status_code == 422
    assert not Batch.objects.exists()


def test_rows_of_an_account_without_market_have_one_key_per_day(caller):
    rows = [{"date": "2026-03-02", "sessions": 5}, {"date": "2026-03-03", "sessions": 6, "market": "DE"}]
    assert caller.push("traffic", rows).json()["added"] == 2
    assert Traffic.objects.count() == 2


def test_a_key_made_of_long_texts_is_refused_at_its_row(caller):
    row = {"date": "2026-03-02", "currency": "EUR", "cost": 1, "campaign": "春" * 500, "market": "市" * 60}
    long = row | {"channel": "道" * 60}
    assert codes(caller.push("spend", [row, long])) == [(1, "campaign", "too_long")]
    assert not Spend.objects.exists()


def test_a_rate_that_makes_an_amount_too_large_is_refused_without_a_row(caller):
    row = {"date": "2026-03-02", "currency": "VND", "per_euro": 29_845.5}
    assert caller.push("exchange_rates", [row]).status_code == 200
    assert caller.push("orders", [order("A-1", currency="VND", gross=10**12)]).status_code == 200
    answer = caller.push("exchange_rates", [row | {"per_euro": 0.5}])
    assert (answer.status_code, codes(answer)) == (422, [(None, "", "rate_amount")])
    assert answer.json()["error"]["code"] == "rate_amount"
    assert ExchangeRate.objects.get().per_euro == Decimal("29845.5")


def test_a_line_that_is_no_json_is_told_by_its_row(caller):
    lines = b"\n".join([orjson.dumps(order("A-1")), b"{broken", orjson.dumps(order("A-2")) + b"," + b"{}"])
    answer = caller.send("orders", lines, "application/x-ndjson")
    assert codes(answer) == [(1, "", "json"), (2, "", "json")]


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "status", "code"),
    [
        (b"{broken", "application/json", {}, 400, "json"),
        (b"[NaN]", "application/json", {}, 400, "json"),
        (b'{"orders": []}', "application/json", {}, 422, "shape"),
        (b'"text"', "application/json", {}, 422, "shape"),
        (b"[]", "application/json", {}, 422, "no_rows"),
        (b"\n \n", "application/x-ndjson", {}, 422, "no_rows"),
        (b" ", "application/json", {}, 400, "json"),
        (b"[]", "text/csv", {}, 415, "content_type"),
        (b"[]", "application/json", {"Content_Encoding": "br"}, 415, "encoding"),
        (b"[]", "application/json", {"Content_Encoding": "gzip"}, 400, "gzip"),
        (gzip.compress(b"[]", mtime=0)[:-4], "application/json", {"Content_Encoding": "gzip"}, 400, "gzip"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_words(caller, body, content_type, headers, status, code):
    answer = caller.send("orders", body, content_type, **headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]


def test_more_rows_than_a_request_may_hold_are_refused(caller):
    answer = caller.send("orders", b"[" + b",".join([b"1"] * (MOST_ROWS + 1)) + b"]")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_many_rows")


def test_a_body_beyond_the_limit_is_refused_packed_or_not(caller, settings):
    settings.API_BODY_MB = 1
    large = b" " * 1024 * 1024 + b"[]"
    assert caller.send("orders", large).json()["error"]["code"] == "too_large"
    packed = caller.send("orders", gzip.compress(large), Content_Encoding="gzip")
    assert (packed.status_code, packed.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize("query", ["", "?source=", "?source=%00", "?source=!!!", "?source=a&on_error=stop"])
def test_a_parameter_that_cannot_be_read_is_named(caller, query):
    answer = caller.client.post(
        f"/api/v1/facts/orders{query}", b"[]", content_type="application/json",
        headers={"Authorization": f"Bearer {caller.key}"},
    )  # fmt: skip
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] in {"parameter", "source"}


def test_messages_are_in_the_language_asked_for(caller):
    rows = [order("A-1", gross="abc")]
    english = caller.push("orders", rows, Accept_Language="en").json()["errors"][0]["message"]
    chinese = caller.push("orders", rows, Accept_Language="zh-CN,zh;q=0.9").json()["errors"][0]["message"]
    assert english == "Expected an amount such as 1234.50."
    assert "1234.50" in chinese
    assert "金额" in chinese


def test_a_body_sent_in_pieces_needs_no_length(caller, rf):
    body = orjson.dumps(orders(1))
    request = rf.post("/api/v1/facts/orders")
    request.META |= {"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True}
    del request.META["CONTENT_LENGTH"]
    assert body_of(request) == body


def test_a_body_that_ends_too_early_is_refused(rf):
    request = rf.post("/api/v1/facts/orders", CONTENT_LENGTH="50")
    request._stream = io.BytesIO(b"[]")
    with pytest.raises(ApiError, match="400 cut_off"):
        body_of(request)


def test_a_kind_that_does_not_exist_is_told_as_json(caller):
    answer = caller.push("wishes", [{}])
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


# --- sent twice -----------------------------------------------------------------------------------------------------
def test_the_same_request_under_one_key_is_carried_out_once(caller):
    first = caller.push("orders", orders(2), Idempotency_Key="run 1")
    again = caller.push("orders", orders(2), Idempotency_Key="run 1")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert (first.headers.get("Idempotent-Replay"), again.headers["Idempotent-Replay"]) == (None, "true")
    assert Batch.objects.count() == 1


def test_another_request_under_a_used_key_is_refused(caller):
    caller.push("orders", orders(1), Idempotency_Key="run 1")
    for other in (caller.push("orders", orders(2), Idempotency_Key="run 1"),
                  caller.push("orders", orders(1), on_error="skip", Idempotency_Key="run 1")):  # fmt: skip
        assert (other.status_code, other.json()["error"]["code"]) == (409, "key_reused")
    assert Order.objects.count() == 1


def test_a_refused_request_leaves_its_key_free(caller):
    assert caller.push("orders", [order("A-1", currency="XXX")], Idempotency_Key="run 1").status_code == 422
    assert caller.push("orders", orders(1), Idempotency_Key="run 1").status_code == 200


def test_a_key_is_free_again_after_a_day(caller):
    caller.push("orders", orders(1), Idempotency_Key="run 1")
    KeptAnswer.objects.update(created_at=timezone.now() - idempotency.KEPT)
    assert caller.push("orders", orders(2), Idempotency_Key="run 1").json()["added"] == 1
    KeptAnswer.objects.update(created_at=timezone.now() - 2 * idempotency.KEPT)
    assert idempotency.forget_old(timezone.now()) == 1


def test_two_workspaces_may_use_one_idempotency_key(caller, workspace):
    other = type(workspace).objects.create(name="Other", slug="other")
    caller.push("orders", orders(1), Idempotency_Key="run 1")
    assert Caller(other).push("orders", orders(2), Idempotency_Key="run 1").json()["added"] == 2


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_the_same_moment_do_the_work_once(workspace, monkeypatch):
    callers, answers, at_work = [Caller(workspace) for _ in range(2)], [], threading.Event()
    store = push._store

    def slow_store(*args):
        at_work.set()
        waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        with connection.cursor() as cursor:  # until the other request waits for this one
            for _ in range(1_000):
                cursor.execute(f"SELECT pg_sleep(0.01), EXISTS ({waits})")
                if cursor.fetchone()[1]:
                    break
        return store(*args)

    def send(caller):
        answers.append(caller.push("orders", orders(3), Idempotency_Key="run 1"))
        connection.close()

    monkeypatch.setattr(push, "_store", slow_store)
    threads = [threading.Thread(target=send, args=(caller,)) for caller in callers]
    threads[0].start()
    assert at_work.wait(20)
    threads[1].start()
    for thread in threads:
        thread.join(30)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert sorted(answer.headers.get("Idempotent-Replay", "") for answer in answers) == ["", "true"]
    assert (Order.objects.count(), Batch.objects.count()) == (3, 1)


def test_numbers_become_texts_without_artefacts():
    values = [0.1 + 0.2, 5.0, 1e-7, 1e15, -0.0, 3, None, True, "x "]
    issues: list[Issue] = []
    texts = push._cells(ORDERS, "gross", list(values), range(len(values)), issues)
    assert texts == ["0.30000000000000004", "5", "0.0000001", "1000000000000000", "-0", "3", "", "true", "x"]
    assert issues == []
    assert push._cells(ORDERS, "gross", [0.5, 5.0, None], range(3), []) == ["0.5", "5", ""]
    push._cells(ORDERS, "gross", [float("inf"), float("nan"), 2.0**53], range(3), issues)
    assert [issue.code for issue in issues] == ["exact"] * 3
    assert json.loads(orjson.dumps(texts)) == texts
