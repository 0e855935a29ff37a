"""The shapes of a column's cells: each cell with a 9 for every digit. A column has few, so they are told once each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_BREAK, _ZERO, _NINE = ord("\n"), ord("0"), ord("9")
_NINES = bytes.maketrans(b"0123456789", b"9" * 10)
_WIDE = (0xFF01, 0xFF5E)  # full-width forms of the ASCII signs
_WIDER_BY = 0xFEE0
Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Group:
    """The cells of a column that have one shape: their rows in the column, and their digits."""

    shape: str
    rows: Ints
    codes: Codes  # the whole column's characters
    starts: Ints  # of this group's cells in `codes`

    def number(self, span: tuple[int, int]) -> Ints:
        """The numbers that stand at a span of digits of the shape."""
        value = np.zeros(len(self.starts), dtype=np.int64)
        for at in range(*span):
            value = value * 10 + self.codes[self.starts + at]
        return value - _ZERO * int("1" * (span[1] - span[0]))

    def characters(self, positions: list[int]) -> npt.NDArray[np.uint8]:
        """The ASCII characters at some positions of the shape: a row for each cell."""
        return self.codes[self.starts[:, None] + np.array(positions)].astype(np.uint8)


def groups(cells: list[str]) -> Iterator[Group]:
    """The cells of a column by shape, where full-width signs count as their ASCII ones, and line breaks as spaces."""
    if not cells:
        return
    text = "\n".join([*cells, ""])
    if text.count("\n") != len(cells):
        text = "\n".join([*(cell.replace("\n", " ") for cell in cells), ""])
    codes, shapes = _ascii(text) if text.isascii() else _unicode(text)
    first = shapes[: shapes.index("\n") + 1]
    if shapes == first * len(cells):
        rows = np.arange(len(cells))
        yield Group(first[:-1], rows, codes, rows * len(first))
    else:
        yield from _by_shape(shapes.split("\n")[:-1], codes)


def _by_shape(shapes: list[str], codes: Codes) -> Iterator[Group]:
    distinct = list(dict.fromkeys(shapes))
    number = {shape: at for at, shape in enumerate(distinct)}
    numbers = np.array(list(map(number.__getitem__, shapes)))
    starts = np.concatenate([[0], np.flatnonzero(codes == _BREAK)[:-1] + 1])
    order = np.argsort(numbers, kind="stable")
    bounds = np.searchsorted(numbers[order], np.arange(len(distinct) + 1))
    for shape, start, end in zip(distinct, bounds, bounds[1:], strict=False):
        rows = order[start:end]
        yield Group(shape, rows, codes, starts[rows])


def _ascii(text: str) -> tuple[Codes, str]:
    """A text's characters, and the text with its digits as nines."""
    raw = text.encode("ascii")
    return np.frombuffer(raw, dtype=np.uint8), raw.translate(_NINES).decode("ascii")


def _unicode(text: str) -> tuple[Codes, str]:
    """As `_ascii`, for a text with other signs too."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    codes = np.where((codes >= _WIDE[0]) & (codes <= _WIDE[1]), codes - np.uint32(_WIDER_BY), codes)
    nines = np.where((codes >= _ZERO) & (codes <= _NINE), np.uint32(_NINE), codes)
    return codes, nines.tobytes().decode("utf-32-le", "surrogatepass")
