"""`manage.py describe_data`: the page of the guide that lists every kind of data and its columns."""

from typing import Any

from django.core.management.base import BaseCommand

from flywheel.intake.guide import page


class Command(BaseCommand):
    """Print docs/data.md."""

    help = "Print the page of the guide that lists every kind of data and its columns (docs/data.md)."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it."""
        self.stdout.write(page(), ending="")
