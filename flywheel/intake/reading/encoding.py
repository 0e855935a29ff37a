"""Which encoding a text is in: by its marks, by what is valid in it, and by what reads like a language.

A file in two encodings is refused: the names in its other half would be loaded garbled.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from charset_normalizer import from_bytes

from flywheel.intake.reading.content import Content
from flywheel.intake.reading.languages import ENCODINGS, WIDE_ENCODINGS, likeness
from flywheel.intake.reading.problems import FileProblemError

BLOCK_BYTES = 1024 * 1024
HEAD_BYTES = 4 * BLOCK_BYTES  # of a file that is looked at in parts
PARTS, PART_BYTES = 64, 64 * 1024  # of the rest of it, evenly spread
PACKED_BYTES = 16 * BLOCK_BYTES  # of a packed file, which cannot be entered in the middle
TELLING_BYTES = 64 * 1024  # of lines by which an encoding is guessed: more say the same again
MOST_WORDS = 20_000  # kept of each sort
FEW_PIECES = 16  # all of which are valid, whose words are kept: enough to know what the file has
MIXED_SHARE, MIXED_SHARE_WIDE = 0.001, 0.005  # of the words, below which valid UTF-8 may be a coincidence
WEIGHT = 0.5  # of the library's verdict beside the language's
UNKNOWN = -0.3  # the library's verdict on what it does not rank at all
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_WORD = bytes(letter if letter >= 0x80 or chr(letter).isalpha() else 0x20 for letter in range(256))
_UTF8 = re.compile(rb"(?:[A-Za-z]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})+")
_COMMON_LETTERS = re.compile(
    "[A-Za-z\xa0-\u017f\u0386-\u03ce\u0401-\u045f\u2010-\u20bf\u2122\u3000-\ud7a3\uff01-\uffee]+"
)
_WIDE_WORD = re.compile("[A-Za-z]*[\u3001-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uffee]{2,}[A-Za-z]*")
_LATIN_WORD = re.compile("[A-Za-z]+(?:[\xc0-\u017f]{1,2}[a-z]+)+")
_USUAL = frozenset("\t\n\r ,;.:-_/\"'0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def marked_encoding(head: bytes) -> str:
    """The encoding that the first bytes tell: by a mark, or since they are UTF-16 without one; '' for none."""
    return next((name for mark, name in BOMS if head.startswith(mark)), "") or _unmarked_utf16(head)


def _unmarked_utf16(head: bytes) -> str:
    """UTF-16 by its delimiters, digits and line ends, every second byte of which is NUL."""
    if head.count(0) * 20 < len(head):
        return ""
    shares = {name: _usual_share(head, name) for name in ("utf-16-le", "utf-16-be")}
    best = max(shares, key=shares.__getitem__)
    return best if shares[best] > 0.1 else ""


def _usual_share(head: bytes, name: str) -> float:
    text = head[: len(head) // 2 * 2].decode(name, errors="replace")
    is_odd = text.count("\0") + text.count("\ufffd") > 2 or ("\n" not in text and "\r" not in text)
    return 0.0 if is_odd else sum(letter in _USUAL for letter in text) / len(text)


# --- what is valid --------------------------------------------------------------------------------------------------
@dataclass
class Survey:
    """What a text holds beside ASCII: words that are valid UTF-8, words that are not, and lines with the latter."""

    valid: set[bytes] = field(default_factory=set)
    invalid: set[bytes] = field(default_factory=set)
    telling: bytearray = field(default_factory=bytearray)
    first_invalid: int = -1  # its place in the file
    _valid_pieces: int = 0

    def add(self, place: int, piece: bytes) -> None:
        """Look at some whole lines, which stand at `place` in the file."""
        if piece.isascii():
            return
        try:
            piece.decode()
        except UnicodeDecodeError as problem:
            if self.first_invalid < 0:
                self.first_invalid = place + problem.start
            self._add_words(piece)
            self._add_lines(piece)
        else:
            self._valid_pieces += 1
            if self._valid_pieces <= FEW_PIECES:
                self._add_words(piece)

    def _add_words(self, piece: bytes) -> None:
        for word in _words(piece) - self.valid - self.invalid:
            known = self.valid if _UTF8.fullmatch(word) else self.invalid
            if len(known) < MOST_WORDS:
                known.add(word)

    def _add_lines(self, piece: bytes) -> None:
        for line in piece.splitlines():
            if len(self.telling) >= TELLING_BYTES:
                return
            if not all(map(_UTF8.fullmatch, _words(line))):
                self.telling += line[:TELLING_BYTES] + b"\n"

    def is_mixed(self, encoding: str) -> bool:
        """Whether some lines are UTF-8 in earnest, beside others that are in `encoding`.

        A few characters may look like it by chance: in a single-byte encoding hardly ever, since UTF-8 read so is a
        capital and a sign; in a Chinese one now and then, hence only by words, or by a letter within a Latin word.
        """
        texts = (word.decode(errors="replace") for word in self.valid)  # a few that look valid are not, as surrogates
        if encoding in WIDE_ENCODINGS:
            earnest = sum(bool(_WIDE_WORD.fullmatch(text) or _LATIN_WORD.fullmatch(text)) for text in texts)
            return earnest > MIXED_SHARE_WIDE * len(self.invalid)
        return sum(map(bool, map(_COMMON_LETTERS.fullmatch, texts))) > MIXED_SHARE * len(self.invalid)


def _words(content: bytes) -> set[bytes]:
    """The distinct words that are not ASCII."""
    return {word for word in set(content.translate(_NO_WORD).split()) if not word.isascii()}


def surveyed(content: Content, whole: bool) -> Survey:
    """A survey of the whole content, or of parts spread over it, which takes no longer for a larger file."""
    survey = Survey()
    if not whole and content.seekable:
        pieces = _parts(content)
    else:
        pieces = _lines_together(content, PACKED_BYTES if not whole else -1)
    for place, piece in pieces:
        survey.add(place, piece)
    return survey


def _lines_together(content: Content, most: int) -> Iterator[tuple[int, bytes]]:
    """(place, whole lines) one after the other, of at most `most` bytes unless that is negative."""
    place, rest = 0, b""
    while block := content.stream.read(BLOCK_BYTES):
        block = rest + block
        at = _last_break(block)
        if at:
            yield place, block[:at]
        elif len(block) > HEAD_BYTES:  # no line of a table
            at = len(block)
            yield place, block
        place, rest = place + at, block[at:]
        if 0 <= most < place:
            return
    yield place, rest


def _last_break(block: bytes) -> int:
    return max(block.rfind(b"\n"), block.rfind(b"\r")) + 1


def _parts(content: Content) -> Iterator[tuple[int, bytes]]:
    """(place, whole lines) of the head and of parts of the rest."""
    stream = content.stream
    size = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    if len(head) == size:
        yield 0, head
        return
    yield 0, head[: _last_break(head)]
    step = max((size - HEAD_BYTES) // PARTS, PART_BYTES)
    for place in range(HEAD_BYTES, size, step):
        stream.seek(place)
        part = stream.read(PART_BYTES)
        first = min((at for at in (part.find(b"\n"), part.find(b"\r")) if at >= 0), default=len(part)) + 1
        yield place + first, part[first : _last_break(part)]


# --- what is likely -------------------------------------------------------------------------------------------------
def unmarked_encoding(content: Content, encoding: str, whole: bool) -> tuple[str, int]:
    """The encoding of a text without a mark, and the place of what speaks against it (-1: nothing does).

    `encoding` is believed unless it is UTF-8 and the text is not.
    """
    survey = surveyed(content, whole)
    given = codecs.lookup(encoding).name if encoding else ""
    if survey.first_invalid < 0:
        return encoding or "utf-8", -1
    chosen = given if given not in {"", "utf-8"} else likeliest(bytes(survey.telling))
    return chosen, survey.first_invalid if survey.is_mixed(chosen) else -1


def likeliest(telling: bytes) -> str:
    """The encoding in which lines that are not ASCII read best, by our alphabets and by the detection library."""
    matches = from_bytes(telling, cp_isolation=list(ENCODINGS))
    found = {name: match for match in matches for name in match.could_be_from_charset}  # one for all that read alike
    scores = {}
    for name in ENCODINGS:
        text = _decoded(telling, name)
        if text is not None:
            match = found.get(name)
            verdict = match.coherence - match.chaos if match else UNKNOWN
            scores[name] = likeness(text, name) + WEIGHT * verdict
    return max(scores, key=scores.__getitem__) if scores else "latin-1"


def _decoded(content: bytes, name: str) -> str | None:
    try:
        return content.decode(name)
    except UnicodeDecodeError:
        return None


def line_at(blocks: Iterable[bytes], place: int) -> int:
    """The number of the line that holds the byte at `place`."""
    breaks = returns = seen = 0
    for block in blocks:
        part = block[: max(place - seen, 0)]
        breaks, returns, seen = breaks + part.count(b"\n"), returns + part.count(b"\r"), seen + len(block)
        if seen >= place:
            break
    return (breaks or returns) + 1


def check_one_encoding(content: Content, place: int) -> None:
    """Raise FileProblemError for the line at `place`, which is not in the encoding of others before or after it."""
    line = line_at(iter(lambda: content.stream.read(BLOCK_BYTES), b""), place)
    raise FileProblemError("mixed_encoding", line)
