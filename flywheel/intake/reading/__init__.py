"""Files of any make to chunks of rows with their true line numbers.

CSV and TSV in any encoding, workbooks, each also gzipped or alone in a zip archive.
"""

from flywheel.intake.reading.content import ALWAYS_UNPACKED_BYTES, MOST_UNPACKED_BYTES, MOST_UNPACKED_TIMES
from flywheel.intake.reading.delimited import DELIMITERS, LONGEST_CELL, LONGEST_LINE
from flywheel.intake.reading.languages import ENCODINGS
from flywheel.intake.reading.opening import found_format, opened, sample
from flywheel.intake.reading.problems import FileProblemError
from flywheel.intake.reading.tables import CHUNK_ROWS, MOST_COLUMNS, Chunk, Format, FormatOptions, Ragged, Table

__all__ = [
    "ALWAYS_UNPACKED_BYTES",
    "CHUNK_ROWS",
    "DELIMITERS",
    "ENCODINGS",
    "LONGEST_CELL",
    "LONGEST_LINE",
    "MOST_COLUMNS",
    "MOST_UNPACKED_BYTES",
    "MOST_UNPACKED_TIMES",
    "Chunk",
    "FileProblemError",
    "Format",
    "FormatOptions",
    "Ragged",
    "Table",
    "found_format",
    "opened",
    "sample",
]
