"""manage.py feeds: the feeds and how they are; also to stop, resume and remove one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from flywheel.intake import feeds
from flywheel.intake.models import Feed


class Command(BaseCommand):
    """List the feeds, or change one of them."""

    help = "List the feeds; --off, --on and --remove change one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """At most one change."""
        change = parser.add_mutually_exclusive_group()
        change.add_argument("--off", default="", metavar="NAME", help="Do not read this feed any more.")
        change.add_argument("--on", default="", metavar="NAME", help="Read it again.")
        change.add_argument("--remove", default="", metavar="NAME", help="Forget it; what it loaded stays.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Change one where asked to; then list them all."""
        if name := options["off"] or options["on"]:
            self._one(name).update(enabled=bool(options["on"]))
        if name := options["remove"]:
            self._one(name).delete()
        feeds.settle_all()
        for feed in Feed.objects.select_related("workspace", "source"):
            self._tell(feed)

    def _one(self, name: str) -> Any:
        found = Feed.objects.filter(name=name)
        if not found.exists():
            raise CommandError(f"There is no feed {name!r}.")
        return found

    def _tell(self, feed: Feed) -> None:
        when = f"every {feed.every_minutes} minutes" if feed.enabled else "off"
        last = f"{feed.last_run_at:%Y-%m-%d %H:%M} UTC" if feed.last_run_at else "never"
        self.stdout.write(f"{feed.name}: {feed.plan['kind']} from {feed.source.name}, {when}")
        self.stdout.write(f"  {feed.cursor_column} up to {feed.cursor or 'the beginning'}, last read {last}")
        for line in feed.last_error.splitlines():
            self.stdout.write(f"  ! {line}")
