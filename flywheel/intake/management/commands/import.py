# ruff: noqa: N999 (named as the command is called)
"""manage.py import: load files without the browser, by hand or from a script."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.text import slugify

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Source
from flywheel.intake import batches
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch
from flywheel.intake.reading import FileProblemError
from flywheel.intake.recognising import Guess, first_guess, known_names
from flywheel.intake.reports import outcome, problems
from flywheel.intake.terminal import Terminal
from flywheel.intake.words import expected

DEFAULT_SOURCE = "import"


class Command(BaseCommand):
    """Load one or several files, each whole or not at all."""

    help = "Load files of facts into a workspace."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command's options."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--workspace", required=True, metavar="SLUG")
        parser.add_argument("--kind", default="", choices=["", *KINDS], help="Recognised by the header when left out.")
        parser.add_argument(
            "--source",
            default="",
            help=f"The shop, account or desk the files come from; else the mapping's, else {DEFAULT_SOURCE!r}.",
        )
        parser.add_argument("--mapping", default="", help="A saved mapping, or a format that comes with the product.")
        parser.add_argument("--good-rows", action="store_true", help="Load the good rows although others are bad.")
        parser.add_argument("--wait", action="store_true", help="Load here and now instead of by a worker.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load or queue each file; exit code 1 when one was rejected."""
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError(f"There is no workspace {options['workspace']!r}.")
        outcomes = [self._one(workspace, path, options) for path in options["files"]]
        if not all(outcomes):
            sys.exit(1)

    def _one(self, workspace: Workspace, path: Path, options: dict[str, Any]) -> bool:
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        guess = self._guess(workspace, path, options)
        known = None if options["source"] else guess.source  # a mapping's own source, unless another is named
        source = known or self._source(workspace, options["source"] or DEFAULT_SOURCE)
        made = {"mapping_name": guess.name, "skips_bad_rows": options["good_rows"]}
        if not options["wait"]:
            with path.open("rb") as content:
                kept = batches.keep_file(workspace, path.name, content)
            batch = batches.create(source, guess.plans, kept, path.name, **made)
            batches.start(batch)
            self.stdout.write(f"{path.name}: queued as batch {batch.pk}")
            return True
        batch = batches.create(source, guess.plans, path.resolve(), path.name, **made)
        batches.load(batch, Terminal(path.name, self.stderr))
        return self._report(batch)

    def _source(self, workspace: Workspace, name: str) -> Source:
        try:
            return batches.source_named(workspace, name.strip())
        except ValueError as problem:
            raise CommandError(f"A source needs a name with letters or digits, unlike {name!r}.") from problem

    def _guess(self, workspace: Workspace, path: Path, options: dict[str, Any]) -> Guess:
        name, names = options["mapping"], known_names(workspace)
        if name and name not in names:
            raise CommandError(f"There is no mapping {name!r}. Known: {', '.join(names)}.")
        try:
            slug = slugify(options["source"], allow_unicode=True)
            guess = first_guess(workspace, path, options["kind"], name, slug)
            if guess is None:
                raise CommandError(f"{path.name}: its header fits no kind of data; name one with --kind or --mapping.")
            if guess.is_unclear:
                raise CommandError(f"{path.name}: mappings of several sources fit it; name one with --source.")
            if guess.renamed:
                gone = ", ".join(f"{old} ({new}?)" for old, new in guess.renamed)
                raise CommandError(f"{path.name}: columns of the mapping {guess.name!r} are missing: {gone}.")
            for plan in guess.plans:
                plan.check_date_format()
        except FileProblemError as problem:
            raise CommandError(f"{path.name}: expected {expected(problem.code, problem.detail)}.") from problem
        return guess

    def _report(self, batch: Batch) -> bool:
        loaded = batch.state == Batch.State.LOADED
        for line in outcome(batch):
            (self.stdout if loaded else self.stderr).write(line)
        for line in problems(batch):
            self.stderr.write(line)
        return loaded
