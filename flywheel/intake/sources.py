"""What the sources pages show, from the last check: only ages are worked out here, since they grow by themselves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from engines.rhythm import DAY, allowed_age, freshness
from flywheel.accounts.models import Workspace
from flywheel.accounts.sparklines import DayBars
from flywheel.accounts.templatetags.formats import day, number, week, weekday_names
from flywheel.facts import calendar
from flywheel.facts.models import Source, SourceHealth
from flywheel.intake.health import CHECK, SHOWN_DAYS
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Feed
from flywheel.jobs.models import Job

STATES = {
    "late": gettext_lazy("Late"),
    "due": gettext_lazy("Due"),
    "fresh": gettext_lazy("Fresh"),
    "not_agreed": gettext_lazy("Not agreed"),
    "empty": gettext_lazy("Nothing loaded"),
}
RANK = {"late": 0, "due": 2, "not_agreed": 3, "empty": 3, "fresh": 4}
FLAGGED = 1  # rank of a source in time, but with something wrong in what it sent
COVERED = {
    "market": gettext_lazy("Market"),
    "channel": gettext_lazy("Channel"),
    "device": gettext_lazy("Device"),
    "customer": gettext_lazy("Customer"),
    "cost": gettext_lazy("Cost of goods"),
    "promise": gettext_lazy("Promised date"),
}
SHOWN_SHARES = 2  # the lowest, in the list
SIGNALS = {
    -1: gettext_lazy("Far fewer than usual"),
    1: gettext_lazy("Far more than usual"),
    0: gettext_lazy("As usual"),
}


@dataclass(frozen=True)
class Share:
    """Of how many orders one thing is known."""

    name: str
    known: int
    orders: int

    @property
    def rate(self) -> float | None:
        """The share, 0-1; None without orders."""
        return self.known / self.orders if self.orders else None


@dataclass(frozen=True)
class Silence:
    """A run of days without records, in words."""

    first: date
    last: date
    days: int

    @property
    def text(self) -> str:
        """ "3 Nov 2026 (1 day)", "3 Nov 2026 to 5 Nov 2026 (3 days)"."""
        span = day(self.first)
        if self.last != self.first:
            span = _("%(first)s to %(last)s") % {"first": span, "last": day(self.last)}
        return _("%(span)s (%(days)s)") % {"span": span, "days": days_words(self.days)}


@dataclass(frozen=True)
class KindHealth:
    """One kind of data of a source, as last checked, and how old it is today."""

    source: Source
    health: SourceHealth
    today: date
    state: str
    record_age: int | None
    load_age: int | None

    @classmethod
    def of(cls, source: Source, health: SourceHealth, today: date) -> "KindHealth":
        """The kind as it stands on the workspace's day `today`."""
        loaded, zone = health.last_loaded_at, source.workspace.zone
        record_age = (today - health.newest_day).days if health.newest_day else None
        load_age = (today - timezone.localtime(loaded, zone).date()).days if loaded else None
        known_age = record_age if load_age is None else load_age
        agreed = source.cadence_days, source.agreed_delay_days
        state = "empty" if known_age is None else freshness(record_age, known_age, health.pause_days, *agreed)
        return cls(source, health, today, state, record_age, load_age)

    @property
    def label(self) -> str:
        """The kind in words."""
        kind = KINDS.get(self.health.kind)
        return str(kind.label) if kind else self.health.kind

    @property
    def state_label(self) -> str:
        """The state in words."""
        return str(STATES[self.state])

    @property
    def newest_text(self) -> str:
        """ "16 Nov 2026 (2 days ago)"; why there is none."""
        if self.record_age is None or self.health.newest_day is None:
            return _("records have no dates")
        age = _("today") if not self.record_age else _("%(days)s ago") % {"days": days_words(self.record_age)}
        return _("%(day)s (%(age)s)") % {"day": day(self.health.newest_day), "age": age}

    @property
    def pause_text(self) -> str:
        """Why records older than agreed are not late: so much lies between them here; '' where that is not so."""
        allowed, pause = allowed_age(self.source.cadence_days, self.source.agreed_delay_days), self.health.pause_days
        if self.state == "late" or not pause or allowed is None or (self.record_age or 0) <= allowed:
            return ""
        return _("up to %(days)s between records are usual here") % {"days": days_words(pause)}

    @property
    def gaps(self) -> list[Silence]:
        """Days without records, newest first."""
        found = [Silence(date.fromisoformat(a), date.fromisoformat(b), n) for a, b, n in self.health.gaps]
        return found[::-1]

    @property
    def signal(self) -> int:
        """-1: far fewer records than usual in the newest whole week, 1: far more, 0: as usual or not known."""
        return self.health.volume.get("signal", 0)

    @property
    def volume_text(self) -> str:
        """The newest whole week against the usual one; why nothing can be said."""
        found = self.health.volume
        if not found:
            return ""
        if "week" not in found:
            return _("%(have)s of %(needed)s weeks to compare with") % {k: number(found[k]) for k in ("have", "needed")}
        words = {"week": week(found["week"]), "count": number(found["count"]), "usual": number(found["usual"])}
        return _("%(week)s: %(count)s, usually %(usual)s") % words

    @property
    def signal_label(self) -> str:
        """The signal in words; '' when nothing can be said."""
        return str(SIGNALS[self.signal]) if "week" in self.health.volume else ""

    @property
    def ahead_text(self) -> str:
        """How many records are dated after the check's day; '' for none."""
        n = self.health.ahead
        text = ngettext(
            "%(n)s record is dated in the future: is the date format right?",
            "%(n)s records are dated in the future: is the date format right?",
            n,
        )
        return text % {"n": number(n)} if n else ""

    def named(self, text: str) -> str:
        """A text about this kind, told apart from those about others."""
        return _("%(name)s: %(text)s") % {"name": self.label, "text": text}

    @property
    def gap_text(self) -> str:
        """Its newest gap, and how many there were before it; '' for none."""
        if not self.gaps:
            return ""
        newest, before = self.gaps[0].text, len(self.gaps) - 1
        text = ngettext("%(gap)s and %(n)d before", "%(gap)s and %(n)d before", before)
        return text % {"gap": newest, "n": before} if before else newest

    @property
    def is_flagged(self) -> bool:
        """Whether something is wrong besides its age."""
        return bool(self.health.gaps or self.signal or self.health.ahead)

    @property
    def shares(self) -> list[Share]:
        """The coverage of its orders; empty for other kinds."""
        found = self.health.coverage
        known: Mapping[str, int] = found.get("known", {})
        return [Share(str(COVERED[name]), known[name], found["orders"]) for name in COVERED if name in known]

    @property
    def covered_days(self) -> tuple[date, date] | None:
        """The first and last day of the weeks that the coverage is of."""
        found = self.health.coverage
        return (date.fromisoformat(found["first"]), date.fromisoformat(found["last"])) if found else None


@dataclass(frozen=True)
class SourceRow:
    """One source with its kinds, worst first, and the tables that could not be read into it the last time."""

    source: Source
    kinds: list[KindHealth]
    failing: Sequence[Feed] = ()

    @property
    def _dated(self) -> list[KindHealth]:
        return [kind for kind in self.kinds if kind.record_age is not None]

    @property
    def worst(self) -> KindHealth | None:
        """The kind that decides on the source; kinds without dates only where there are no others.

        A list of customers that was loaded once does not make a shop late whose orders come every day.
        """
        return min(
            self._dated or self.kinds, key=lambda kind: (RANK[kind.state], -(kind.record_age or 0)), default=None
        )

    @property
    def state(self) -> str:
        """The state of the kind that decides."""
        return self.worst.state if self.worst else "empty"

    @property
    def state_label(self) -> str:
        """The state in words."""
        return str(STATES[self.state])

    @property
    def rank(self) -> int:
        """How much the source needs somebody's eye; the lower, the more."""
        flagged = self.failing or any(kind.is_flagged for kind in self.kinds)
        return min(RANK[self.state], FLAGGED) if flagged else RANK[self.state]

    @property
    def agreed_text(self) -> str:
        """What was agreed, in words."""
        return agreed_text(self.source)

    @property
    def newest_loaded(self) -> SourceHealth | None:
        """The health whose batch was loaded last."""
        loaded = [kind.health for kind in self.kinds if kind.health.last_loaded_at]
        return max(loaded, key=lambda health: health.last_loaded_at, default=None)  # type: ignore[arg-type,return-value]

    @property
    def shares(self) -> list[Share]:
        """The lowest shares of its orders' coverage that are not complete."""
        found = [share for kind in self.kinds for share in kind.shares if share.known < share.orders]
        return sorted(found, key=lambda share: share.known)[:SHOWN_SHARES]

    @property
    def shown(self) -> KindHealth | None:
        """The kind whose newest record is told: the one that is late, else the one with the newest."""
        newest = min(self._dated, key=lambda kind: kind.record_age or 0, default=self.worst)
        return self.worst if self.state == "late" else newest

    @property
    def newest_text(self) -> str:
        """The newest record, and of which kind it is where there are several."""
        if not self.shown:
            return ""
        return self.shown.named(self.shown.newest_text) if len(self.kinds) > 1 else self.shown.newest_text

    @property
    def gap_texts(self) -> list[str]:
        """The newest gap of each kind."""
        return [kind.named(kind.gap_text) for kind in self.kinds if kind.gaps]

    @property
    def oddities(self) -> list[tuple[int, str]]:
        """(signal, text) of weeks of unusual volume, (0, text) of records dated in the future."""
        weeks = [(kind.signal, kind.named(kind.volume_text)) for kind in self.kinds if kind.signal]
        return weeks + [(0, kind.named(kind.ahead_text)) for kind in self.kinds if kind.ahead_text]

    @property
    def volume_text(self) -> str:
        """What is said of the volume where nothing is odd."""
        if any(kind.signal_label for kind in self.kinds):
            return _("as usual")
        return next((kind.volume_text for kind in self.kinds if kind.volume_text), "")

    @property
    def has_coverage(self) -> bool:
        """Whether it has sent orders of late."""
        return any(kind.shares for kind in self.kinds)


def days_words(n: int) -> str:
    """ "1 day", "3 days"."""
    return ngettext("%(n)d day", "%(n)d days", n) % {"n": n}


def agreed_text(source: Source) -> str:
    """ "every week, at most 8 days old"; '' when nothing is agreed."""
    allowed = allowed_age(source.cadence_days, source.agreed_delay_days)
    if allowed is None:
        return ""
    oldest = _("at most %(days)s old") % {"days": days_words(allowed)}
    if source.cadence_days is None:
        return oldest
    return _("%(cadence)s, %(oldest)s") % {"cadence": source.get_cadence_days_display(), "oldest": oldest}


# --- from the database ------------------------------------------------------------------------------------------------
def rows(workspace: Workspace) -> list[SourceRow]:
    """The workspace's sources, those that need an eye first."""
    found: dict[int, list[SourceHealth]] = {}
    for health in SourceHealth.objects.filter(workspace=workspace).defer("days"):
        found.setdefault(health.source_id, []).append(health)
    failing: dict[int, list[Feed]] = {}
    for feed in Feed.objects.filter(workspace=workspace, enabled=True).exclude(last_error=""):
        failing.setdefault(feed.source_id, []).append(feed)
    sources = list(Source.objects.filter(workspace=workspace))
    made = [_row(workspace, source, found.get(source.pk, []), failing.get(source.pk, ())) for source in sources]
    return sorted(made, key=lambda row: (row.rank, row.source.name.lower()))


def row(workspace: Workspace, source: Source) -> SourceRow:
    """One source, with its records per day."""
    return _row(workspace, source, source.health.all())


def _row(
    workspace: Workspace, source: Source, healths: Iterable[SourceHealth], failing: Sequence[Feed] = ()
) -> SourceRow:
    source.workspace = workspace  # known, not asked for again
    today = calendar.today(workspace, timezone.now())
    kinds = [KindHealth.of(source, health, today) for health in healths]
    worst_first = sorted(kinds, key=lambda kind: (RANK[kind.state], not kind.is_flagged, kind.label))
    return SourceRow(source, worst_first, failing)


def last_check(workspace: Workspace) -> Job | None:
    """The job of the last check, or of the one that runs."""
    return Job.objects.filter(workspace=workspace, kind=CHECK).order_by("-created_at").first()


# --- days in a drawing and a table ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Cell:
    """One day in the table of days: `text` is its number of records or why there is none."""

    text: str
    is_gap: bool = False


@dataclass(frozen=True)
class Week:
    """One week of the table of days."""

    first: date
    cells: list[Cell]
    total: int


@dataclass(frozen=True)
class DayTable:
    """The records per day of one kind: drawn, and in weeks, newest first."""

    kind: KindHealth
    first: date
    last: date
    bars: DayBars
    weekdays: list[str]
    weeks: list[Week]

    @property
    def is_daily(self) -> bool:
        """Whether records are expected on every open day."""
        return self.kind.health.pause_days == 0


def day_table(workspace: Workspace, kind: KindHealth) -> DayTable | None:
    """The days of a kind's health; None when its records have no dates."""
    newest = kind.health.newest_day
    if newest is None or kind.health.oldest_day is None:
        return None
    counts = {date.fromisoformat(iso): n for iso, n in kind.health.days.items()}
    missing = {d for gap in kind.gaps for d in _days(gap.first, gap.last) if d not in counts}
    shown = _days(newest - (SHOWN_DAYS - 1) * DAY, newest)
    bars = DayBars.of([counts.get(d) for d in shown], [d in missing for d in shown])
    first = calendar.week_start(kind.health.oldest_day, workspace.first_weekday)
    firsts = _days(first, newest)[::7][::-1]
    weeks = [_week(kind.health, counts, missing, week_first) for week_first in firsts]
    return DayTable(kind, shown[0], newest, bars, weekday_names(workspace.first_weekday), weeks)


def _week(health: SourceHealth, counts: Mapping[date, int], missing: set[date], first: date) -> Week:
    days = _days(first, first + 6 * DAY)
    return Week(first, [_cell(health, counts, missing, d) for d in days], sum(counts.get(d, 0) for d in days))


def _cell(health: Any, counts: Mapping[date, int], missing: set[date], on: date) -> Cell:
    if on in counts:
        return Cell(number(counts[on]))
    if on in missing:
        return Cell(_("none"), is_gap=True)
    return Cell("–" if health.oldest_day < on < health.newest_day else "")


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
