"""manage.py run_feed: read a feed's table and load what is new, here and now."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from flywheel.intake import batches, feeds
from flywheel.intake.models import Batch, Feed
from flywheel.intake.reports import report
from flywheel.intake.tables import TableProblemError
from flywheel.intake.terminal import Terminal


class Command(BaseCommand):
    """Run one feed; exit code 1 when its rows were rejected."""

    help = "Read a feed's table and load what is new."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which feed."""
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--from-start", action="store_true", help="Read the whole table again.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, load, and report as `manage.py import` does."""
        known = Feed.objects.select_related("workspace", "source", "batch__job")
        feed = known.filter(name=options["name"]).first()
        if feed is None:
            raise CommandError(f"There is no feed {options['name']!r}.")
        feeds.settle(feed)
        if feed.reached:
            raise CommandError(f"{feed.name}: batch {feed.batch_id} is under way; try again when it is over.")
        if options["from_start"]:
            feed.cursor = ""
            feed.save(update_fields=["cursor"])
        terminal = Terminal(feed.name, self.stderr)
        try:
            batch = feeds.read(feed, terminal, by_hand=True)
        except TableProblemError as problem:
            raise CommandError(str(problem)) from problem
        if batch is None:
            self.stdout.write(f"{feed.name}: nothing new")
            return
        batches.load(batch, terminal)
        feeds.settle(Feed.objects.select_related("workspace", "batch__job").get(pk=feed.pk))
        self._report(batch)

    def _report(self, batch: Batch) -> None:
        loaded = batch.state == Batch.State.LOADED
        for line in report(batch):
            (self.stdout if loaded else self.stderr).write(line)
        if not loaded:
            sys.exit(1)
