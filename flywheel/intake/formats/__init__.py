"""The export files of well-known programs, recognised by their header. Adding one is adding a `Format` to a list."""

from flywheel.intake.formats import olist
from flywheel.intake.formats.base import Format

FORMATS: dict[str, Format] = {known.slug: known for known in (*olist.FORMATS,)}
