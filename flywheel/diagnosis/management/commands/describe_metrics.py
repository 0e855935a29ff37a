"""Prints docs/metrics.md."""

from django.core.management.base import BaseCommand

from flywheel.diagnosis.metric_guide import page


class Command(BaseCommand):
    """Print docs/metrics.md."""

    help = "Print the page of the guide that defines every KPI (docs/metrics.md)."

    def handle(self, *_args: object, **_options: object) -> None:
        """Print it."""
        self.stdout.write(page(), ending="")
