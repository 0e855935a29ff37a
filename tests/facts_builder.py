"""Seeded random facts with everything that roll-ups trip over: unknowns, blank keys, ties, refunds, late orders."""

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from flywheel.accounts.models import Workspace
from flywheel.facts.models import (
    STAGES,
    CustomerCampaign,
    DirtyWeek,
    FirstOrder,
    Order,
    OrderLine,
    OrderState,
    Payment,
    Referral,
    Refund,
    Review,
    Rollup,
    Session,
    Source,
    Spend,
    SurveyAnswer,
    Ticket,
    Traffic,
)

FIRST_DAY = date(2024, 1, 1)  # a Monday
MARKETS = ("DE", "FR", "US", "NA", "")
CHANNELS = ("search", "social", "email", "referral", "")
DEVICES = ("desktop", "mobile", "")
CARRIERS = ("DHL", "UPS", "")
FX = {"EUR": Decimal(1), "USD": Decimal("0.9213457891"), "JPY": Decimal("0.0061234567")}


def week_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def moment(day: date, hour: int = 12) -> datetime:
    """A time of a day."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def order(workspace: Workspace, source: Source, number: object, day: date, **values: object) -> Order:
    """An unsaved order placed on `day`, with every column that follows from a date."""
    promised, delivered = values.get("promised_at"), values.get("delivered_at")
    known = {
        "ordered_at": moment(day),
        "order_date": day,
        "week": week_of(day),
        "month": day.replace(day=1),
        "currency": "EUR",
        "fx_rate": FX["EUR"],
        "promised_date": promised.date() if isinstance(promised, datetime) else None,
        "delivered_date": delivered.date() if isinstance(delivered, datetime) else None,
        "delivered_week": week_of(delivered.date()) if isinstance(delivered, datetime) else None,
    }
    return Order(workspace=workspace, source=source, external_id=str(number), **{**known, **values})


def set_first_orders(workspace: Workspace) -> dict[str, tuple[date, str]]:
    """Write FirstOrder anew from the orders, row by row in Python; customer -> (week, what the row says)."""
    histories: dict[str, list[Order]] = defaultdict(list)
    orders = Order.objects.filter(workspace=workspace, counts=True).exclude(customer="")
    for row in orders.order_by("order_date", "id"):
        histories[row.customer].append(row)
    FirstOrder.objects.filter(workspace=workspace).delete()
    FirstOrder.objects.bulk_create(_first_order(workspace, *history) for history in histories.values())
    return {c: (h[0].week, repr([(o.id, o.order_date, o.net_base) for o in h])) for c, h in histories.items()}


def _first_order(workspace: Workspace, first: Order, *later: Order) -> FirstOrder:
    due = {f"due_{days}": first.order_date + timedelta(days=days) for days in (30, 60, 90, 180, 365)}
    return FirstOrder(
        workspace=workspace,
        customer=first.customer,
        order_id=first.id,
        ordered_at=first.ordered_at,
        order_date=first.order_date,
        week=first.week,
        month=first.month,
        market=first.market,
        channel=first.channel,
        second_date=later[0].order_date if later else None,
        **due,
    )


def mark_dirty(workspace: Workspace, rollup: str, weeks: Iterable[date]) -> None:
    """Mark weeks as a landing batch does: in the order of their key, holding those that are marked already."""
    rows = [DirtyWeek(workspace=workspace, rollup=rollup, week=week) for week in sorted(set(weeks))]
    DirtyWeek.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["workspace", "rollup", "week"], update_fields=["week"]
    )


def mark_everything_dirty(workspace: Workspace, weeks: int) -> None:
    """Mark every week from FIRST_DAY on."""
    for rollup in Rollup.values:
        mark_dirty(workspace, rollup, [FIRST_DAY + timedelta(weeks=n) for n in range(weeks)])


class RandomFacts:
    """Facts of one workspace and source, the same for the same seed."""

    def __init__(self, workspace: Workspace, source: Source, seed: int, weeks: int = 60, tag: str = "a") -> None:
        self.workspace = workspace
        self.source = source
        self.random = random.Random(seed)
        self.days = weeks * 7
        self.tag = tag

    def create(self, size: int) -> None:
        """`size` orders, about as many facts of the other kinds, and the first orders."""
        orders = Order.objects.bulk_create(self.order(n, size) for n in range(size))
        Payment.objects.bulk_create(self._payment(n, o) for n, o in enumerate(orders))
        Refund.objects.bulk_create(self._refund(n, o) for n, o in enumerate(orders[::7]))
        Review.objects.bulk_create(self._review(n, o) for n, o in enumerate(orders[::3]))
        Ticket.objects.bulk_create(self._ticket(n, o) for n, o in enumerate(orders[::5]))
        Traffic.objects.bulk_create(self._traffic(n) for n in range(size // 2))
        Session.objects.bulk_create(self._session(n) for n in range(size // 4))
        Spend.objects.bulk_create(self.spend(n) for n in range(size // 3))
        OrderLine.objects.bulk_create(self._line(n, o) for n, o in enumerate(orders[: size // 2] + orders[: size // 3]))
        SurveyAnswer.objects.bulk_create(self._answer(n, o) for n, o in enumerate(orders[::4]))
        Referral.objects.bulk_create(self._referral(n, o) for n, o in enumerate(orders[::6] + orders[::24]))
        CustomerCampaign.objects.bulk_create(self._campaign(n) for n in range(size // 10))
        set_first_orders(self.workspace)

    def _day(self) -> date:
        return FIRST_DAY + timedelta(days=self.random.randrange(self.days))

    def _slice(self) -> dict[str, str]:
        return {"market": self.random.choice(MARKETS), "channel": self.random.choice(CHANNELS)}

    def _amount(self, top: int, unknown: float = 0.2) -> Decimal | None:
        if self.random.random() < unknown:
            return None
        return Decimal(self.random.randrange(top * 10_000)).scaleb(-4)

    def _count(self, top: int) -> int | None:
        return None if self.random.random() < 0.2 else self.random.randrange(top)

    def _key(self, number: int) -> dict[str, object]:
        return {"workspace": self.workspace, "source": self.source, "external_id": f"{self.tag}{number}"}

    def order(self, number: int, size: int) -> Order:
        """An unsaved order of one of about `size` / 3 customers, or of none."""
        day = self._day()
        currency = self.random.choice(list(FX))
        late = self.random.choice((None, 0, 3, 9))
        delivered = None if late is None else moment(day + timedelta(days=4 + late), self.random.choice((1, 12, 23)))
        values: dict[str, object] = {
            **self._slice(),
            "customer": self.random.choice(["", f"c{self.random.randrange(size // 3 + 1)}"]),
            "device": self.random.choice(DEVICES),
            "carrier": self.random.choice(CARRIERS),
            "status": self.random.choice(("paid", "sent", "")),
            "state": self.random.choice((*OrderState.values, "delivered", "delivered", "open")),
            "currency": currency,
            "fx_rate": self.random.choice((None, *[FX[currency]] * 9)),
            "gross": self._amount(500),
            "discount": self._amount(20, 0.6),
            "total": self._amount(600),
            "shipping": self._amount(10, 0.5),
            "cogs": self._amount(200),
            "units": self.random.choice((None, 0, 1, 2, 5)),
            "payment_method": self.random.choice(("card", "boleto", "")),
            "fulfilment_cost": self._amount(9, 0.5),
            "promised_at": self.random.choice((None, moment(day + timedelta(days=7), 12))),
            "delivered_at": delivered,
        }
        return order(self.workspace, self.source, f"{self.tag}{number}", day, **values)

    def _child(self, number: int, parent: Order) -> dict[str, object]:
        known = self.random.random() < 0.9
        copied: dict[str, object] = {
            "market": parent.market,
            "channel": parent.channel,
            "carrier": parent.carrier,
            "order_id": parent.id,
            "order_week": parent.week,
        }
        return {**self._key(number), "order_ref": parent.external_id, **(copied if known else {})}

    def _payment(self, number: int, parent: Order) -> Payment:
        method = self.random.choice(("card", "boleto", ""))
        return Payment(**self._child(number, parent), method=method, amount=self._amount(500), fx_rate=parent.fx_rate)

    def _refund(self, number: int, parent: Order) -> Refund:
        day = parent.order_date + timedelta(days=self.random.randrange(30))
        return Refund(
            **self._child(number, parent),
            refunded_at=moment(day),
            refund_date=day,
            week=week_of(day),
            currency="EUR",
            amount=self._amount(90),
            fx_rate=Decimal(1),
        )

    def _review(self, number: int, parent: Order) -> Review:
        day = parent.order_date + timedelta(days=self.random.randrange(30))
        rating = Decimal(self.random.randrange(10, 51)).scaleb(-1)
        times = {"reviewed_at": moment(day), "review_date": day, "week": week_of(day)}
        media = self.random.choice((None, True, False))
        return Review(**self._child(number, parent), **times, rating=rating, has_media=media)

    def _ticket(self, number: int, parent: Order) -> Ticket:
        day = parent.order_date + timedelta(days=self.random.randrange(30))
        csat = self.random.choice((None, Decimal(1), Decimal("3.9"), Decimal(4), Decimal(5)))
        proactive = self.random.choice((None, True, False))
        child = self._child(number, parent)
        return Ticket(
            **child,
            opened_at=moment(day),
            first_reply_at=self.random.choice((None, moment(day) + timedelta(minutes=self.random.randrange(30_000)))),
            days_after_order=Decimal((day - parent.order_date).days) if "order_id" in child else None,
            week=week_of(day),
            proactive=proactive,
            csat=csat,
        )

    def _line(self, number: int, parent: Order) -> OrderLine:
        sku, quantity = self.random.choice(("S-1", "S-2", "S-3")), self.random.choice((None, 1, 2))
        return OrderLine(**self._key(number), order_ref=parent.external_id, sku=sku, quantity=quantity)

    def _answer(self, number: int, parent: Order) -> SurveyAnswer:
        day = parent.order_date + timedelta(days=self.random.randrange(40))
        times = {"answered_at": moment(day), "week": week_of(day)}
        return SurveyAnswer(**self._child(number, parent), **times, score=self.random.randrange(11))

    def _referral(self, number: int, parent: Order) -> Referral:
        day = parent.order_date - timedelta(days=self.random.randrange(20))
        return Referral(**self._child(number, parent), invited_at=moment(day), week=week_of(day), referrer="c1")

    def _campaign(self, number: int) -> CustomerCampaign:
        day = self._day()
        told = {name: self._count(500) for name in ("sent", "opened", "clicked", "ordered")}
        return CustomerCampaign(**self._key(number), **self._slice(), sent_at=moment(day), week=week_of(day), **told)

    def _traffic(self, number: int) -> Traffic:
        day = self._day()
        stages = {stage: self._count(5000) for stage in STAGES}
        device = self.random.choice(DEVICES)
        return Traffic(**self._key(number), **self._slice(), date=day, week=week_of(day), device=device, **stages)

    def _session(self, number: int) -> Session:
        day = self._day()
        stages = {stage: self.random.randrange(2) for stage in STAGES[1:]}
        return Session(
            workspace=self.workspace,
            source=self.source,
            session=f"{self.tag}{number}",
            started_at=moment(day),
            date=day,
            week=week_of(day),
            device=self.random.choice(DEVICES),
            **self._slice(),
            **stages,
        )

    def spend(self, number: int) -> Spend:
        """Unsaved advertising of one day."""
        day = self._day()
        return Spend(
            **self._key(number),
            **self._slice(),
            date=day,
            week=week_of(day),
            campaign=self.random.choice(("brand", "sale", "")),
            currency="EUR",
            cost=self._amount(900),
            fx_rate=Decimal(1),
            impressions=self._count(100_000),
            clicks=self._count(2000),
        )


def new_source(workspace: Workspace, slug: str = "shop") -> Source:
    """A source of facts."""
    return Source.objects.create(workspace=workspace, slug=slug, name=slug)
