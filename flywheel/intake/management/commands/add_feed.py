"""manage.py add_feed: have a table that a loader writes read on schedule."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Source
from flywheel.intake import batches, feeds
from flywheel.intake.kinds import KINDS
from flywheel.intake.recognising import known_names
from flywheel.intake.tables import TableProblemError

MOST_MINUTES = 7 * 24 * 60


class Command(BaseCommand):
    """Make a feed. Only whoever runs this program can: a free table name could reach what nobody should see."""

    help = "Have a table that a loader writes read into a workspace on schedule."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The table, and how it is read."""
        parser.add_argument("--workspace", required=True, metavar="SLUG")
        parser.add_argument("--source", required=True, help="The shop, account or desk the rows come from.")
        parser.add_argument("--table", required=True, metavar="SCHEMA.TABLE")
        parser.add_argument("--kind", default="", choices=["", *KINDS], help="Needed unless --mapping tells one.")
        parser.add_argument("--mapping", default="", help="A saved mapping, or one that comes with the product.")
        parser.add_argument("--cursor", default="", metavar="COLUMN", help="Tells new rows; dlt's load id if left out.")
        parser.add_argument("--every", type=int, default=60, metavar="MINUTES")
        parser.add_argument("--name", default="", help="Left out: workspace.schema.table")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check that the table can be read as that kind, then keep the feed."""
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError(f"There is no workspace {options['workspace']!r}.")
        self._check(workspace, options)
        try:
            feed, table = feeds.add(
                self._source(workspace, options["source"]),
                options["table"],
                options["kind"],
                options["mapping"],
                options["cursor"],
                options["every"],
                options["name"],
            )
        except TableProblemError as problem:
            raise CommandError(str(problem)) from problem
        kind, read = feed.plan["kind"], feed.plan["columns"]
        self.stdout.write(f"{feed.name}: {kind} by {feed.cursor_column}, every {feed.every_minutes} minutes")
        self.stdout.write(f"  read: {', '.join(f'{column} as {name}' for name, column in read.items())}")
        left = [column for column in [*table.columns, *table.unreadable] if column not in read.values()]
        self.stdout.write(f"  not read: {', '.join(left) or 'nothing'}")

    def _check(self, workspace: Workspace, options: dict[str, Any]) -> None:
        name, known = options["mapping"], known_names(workspace)
        if name and name not in known:
            raise CommandError(f"There is no mapping {name!r}. Known: {', '.join(known)}.")
        if not name and not options["kind"]:
            raise CommandError("Name the kind of data with --kind, or a mapping with --mapping.")
        if not 1 <= options["every"] <= MOST_MINUTES:
            raise CommandError(f"--every: expected 1 to {MOST_MINUTES} minutes.")

    def _source(self, workspace: Workspace, name: str) -> Source:
        try:
            return batches.source_named(workspace, name.strip())
        except ValueError as problem:
            raise CommandError(f"A source needs a name with letters or digits, unlike {name!r}.") from problem
