"""What a file is, and its bytes without the archive around them."""

import gzip
import io
import os
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from flywheel.intake.reading.problems import FileProblemError

MOST_UNPACKED_BYTES = 20 * 1024**3  # of a packed file: 100 M rows, more than one file should hold
MOST_UNPACKED_TIMES = 50  # its packed size: tables are packed to a tenth, seldom to a thirtieth; beyond, it is a bomb
ALWAYS_UNPACKED_BYTES = 64 * 1024**2  # however small it is packed
BUFFER_BYTES = 256 * 1024
LOOKED_AT_BYTES = 4096
GZIP_MAGIC, ZIP_MAGIC, EMPTY_ZIP_MAGIC, OLE_MAGIC = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0"
OTHER_KINDS = {  # first bytes of what is no table
    b"%PDF-": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"RIFF": "RIFF",
    b"MZ": "EXE",
    b"\x7fELF": "ELF",
    b"{\\rtf": "RTF",
    b"7z\xbc\xaf\x27\x1c": "7Z",
    b"Rar!": "RAR",
    b"BZh": "BZIP2",
    b"\xfd7zXZ": "XZ",
    b"\x28\xb5\x2f\xfd": "ZSTD",
    b"PAR1": "PARQUET",
    b"SQLite format 3": "SQLITE",
}
WRITTEN_KINDS = {"PDF", "RTF"}  # whose first bytes are enough, though they are letters
OLE_KINDS = {"WordDocument": "DOC", "PowerPoint Document": "PPT", "__properties_version1.0": "MSG"}
OLE_BYTES = 16 * 1024**2  # that are searched for these names
ENCRYPTED_PACKAGE = "EncryptedPackage"  # a newer workbook with a password, in the older container
ENCRYPTED_BOOK = re.compile(rb"\x09\x08\x10\x00.{16}(?:\x86\x00\x00\x00)?\x2f\x00", re.DOTALL)  # begin, FILEPASS
ZIP_KINDS = {"word/": "DOCX", "ppt/": "PPTX", "Index/Document.iwa": "NUMBERS", "META-INF/MANIFEST.MF": "JAR"}
WORKBOOK_PARTS = ("xl/workbook.xml", "xl/workbook.bin")
SHEETS_OF_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument.spreadsheet"
WORKBOOK_MARKS = (b"xl/", b"[Content_Types].xml", SHEETS_OF_OPEN_DOCUMENT)  # in the first bytes
TABLE_SUFFIXES = ((".csv", ".tsv", ".tab", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), (".txt",))  # first before second
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1  # bit of a zip member's flags
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, struct.error)
UNOPENABLE = (*DAMAGE, ValueError, OSError, OverflowError, RuntimeError)  # what wrong numbers in a directory lead to


@dataclass(frozen=True)
class Content:
    """A file's bytes, unpacked. `position()`: how many of the file's own bytes have been read.

    `seekable` is the file itself when nothing is packed around it; `workbook` the path of a workbook, whose bytes are
    not for us to read.
    """

    stream: "io.BufferedReader[Any]"
    position: Callable[[], int]
    seekable: bool = True
    workbook: Path | None = None


@contextmanager
def unpacked(path: Path) -> Iterator[Content]:
    """The content of a file: gzip, or a zip archive with one table, is unpacked, whatever the file is called.

    Raises FileProblemError, also while the content is read: for what is no table, is damaged, or is absurdly large.
    """
    with io.BufferedReader(io.FileIO(path), BUFFER_BYTES) as plain, _stream(plain) as stream:
        head = stream.peek(LOOKED_AT_BYTES)
        is_plain = stream is plain
        if _is_workbook(head, plain if is_plain else None):
            with _as_file(stream, path if is_plain else None) as workbook:
                yield Content(stream, plain.tell, is_plain, workbook)
        else:
            _check_is_table(head)
            yield Content(stream, plain.tell, is_plain)


@contextmanager
def _damage() -> Iterator[None]:
    """Everything that archives raise when they are cut off or altered, as one FileProblemError."""
    try:
        yield
    except DAMAGE as problem:
        raise FileProblemError("truncated") from problem


@contextmanager
def _stream(plain: "io.BufferedReader[Any]") -> Iterator["io.BufferedReader[Any]"]:
    head = plain.peek(LOOKED_AT_BYTES)
    if head.startswith(GZIP_MAGIC):
        with gzip.GzipFile(fileobj=plain, mode="rb") as unzipped:
            yield _bounded(unzipped, _size(plain))
    elif head.startswith((ZIP_MAGIC, EMPTY_ZIP_MAGIC)) and not _is_workbook(head, plain):
        with _archive(plain) as archive:
            member = _only_table(archive)
            with _member(archive, member) as source:
                yield _bounded(source, member.compress_size)
    else:
        yield plain


def _size(plain: IO[bytes]) -> int:
    return os.fstat(plain.fileno()).st_size


# --- bounds ---------------------------------------------------------------------------------------------------------
def most_unpacked(packed_bytes: int) -> int:
    """How many bytes so many packed ones may become."""
    return min(MOST_UNPACKED_BYTES, max(MOST_UNPACKED_TIMES * packed_bytes, ALWAYS_UNPACKED_BYTES))


def too_large(most: int) -> FileProblemError:
    """The error for content beyond `most` bytes."""
    return FileProblemError("unpacked", detail=f"{most / 1024**2:,.0f} MB")


def _bounded(source: io.BufferedIOBase | IO[bytes], packed_bytes: int) -> io.BufferedReader:
    return io.BufferedReader(_Bounded(source, most_unpacked(packed_bytes)), BUFFER_BYTES)


class _Bounded(io.RawIOBase):
    """An archive's content, as long as that is not absurdly more than the archive."""

    def __init__(self, source: io.BufferedIOBase | IO[bytes], most: int) -> None:
        self._source, self._most, self._read = source, most, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """The next bytes; raises FileProblemError beyond what is allowed."""
        with _damage():
            block = self._source.read(len(buffer))
        self._read += len(block)
        if self._read > self._most:
            raise too_large(self._most)
        buffer[: len(block)] = block
        return len(block)


# --- archives -------------------------------------------------------------------------------------------------------
@contextmanager
def _archive(plain: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """A zip archive by its directory; a damaged directory raises whatever its numbers lead to."""
    try:
        archive = zipfile.ZipFile(plain)
    except UNOPENABLE as problem:
        raise FileProblemError("truncated") from problem
    with archive:
        yield archive


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    """A file of an archive, opened; raises FileProblemError when that cannot be."""
    if info.flag_bits & ENCRYPTED:
        raise FileProblemError("password")
    if info.compress_type not in METHODS:
        raise FileProblemError("other_kind", detail="ZIP")
    try:
        return archive.open(info)
    except UNOPENABLE as problem:
        raise FileProblemError("truncated") from problem


def _only_table(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one table in an archive; raises FileProblemError when there are more, or none."""
    files = [info for info in archive.infolist() if _is_own_file(info.filename)]
    _check_no_document([info.filename for info in files])
    for suffixes in TABLE_SUFFIXES:
        tables = [info for info in files if info.filename.lower().endswith(suffixes)]
        if len(tables) > 1:
            raise FileProblemError("zip_many", detail=f"{len(tables):,}")
        if tables:
            return tables[0]
    raise FileProblemError("zip_none")


def _is_own_file(name: str) -> bool:
    """Whether a person put the file there, not their computer."""
    base = name.rpartition("/")[2]
    return bool(base) and not base.startswith(".") and not name.startswith("__MACOSX/")


def _check_no_document(names: list[str]) -> None:
    for start, kind in ZIP_KINDS.items():
        if any(name.startswith(start) for name in names):
            raise FileProblemError("other_kind", detail=kind)
    if "mimetype" in names and "content.xml" in names:
        raise FileProblemError("other_kind", detail="ODF")


# --- workbooks ------------------------------------------------------------------------------------------------------
def _is_workbook(head: bytes, plain: IO[bytes] | None) -> bool:
    """Whether the bytes are a workbook's; those of a file are looked at closer, and refused when absurdly large."""
    if head.startswith(OLE_MAGIC):
        if plain:
            _check_ole(plain)
        return True
    if not head.startswith(ZIP_MAGIC) or plain is None:
        return head.startswith(ZIP_MAGIC) and any(part in head for part in WORKBOOK_MARKS)
    with _archive(plain) as archive:
        names = set(archive.namelist())
        found = not names.isdisjoint(WORKBOOK_PARTS) or _is_open_document(archive, names)
        if found and sum(info.file_size for info in archive.infolist()) > most_unpacked(_size(plain)):
            raise too_large(most_unpacked(_size(plain)))
    plain.seek(0)
    return found


def _is_open_document(archive: zipfile.ZipFile, names: set[str]) -> bool:
    if "mimetype" not in names:
        return False
    with _damage(), _member(archive, archive.getinfo("mimetype")) as part:
        return part.read(len(SHEETS_OF_OPEN_DOCUMENT)) == SHEETS_OF_OPEN_DOCUMENT


def _check_ole(plain: IO[bytes]) -> None:
    """Raise FileProblemError for what else comes in the container of older workbooks, and for a password."""
    content = plain.read(OLE_BYTES)
    plain.seek(0)
    if ENCRYPTED_PACKAGE.encode("utf-16-le") in content or ENCRYPTED_BOOK.search(content):
        raise FileProblemError("password")
    for name, kind in OLE_KINDS.items():
        if name.encode("utf-16-le") in content:
            raise FileProblemError("other_kind", detail=kind)


@contextmanager
def _as_file(stream: IO[bytes], path: Path | None) -> Iterator[Path]:
    """A workbook as a file of its own: the given one, or a copy of what was packed."""
    if path:
        yield path
        return
    with tempfile.NamedTemporaryFile(suffix=".workbook") as copy:
        shutil.copyfileobj(stream, copy)
        copy.flush()
        copy.seek(0)
        if not _is_workbook(copy.read(LOOKED_AT_BYTES), copy):
            raise FileProblemError("other_kind", detail="ZIP")
        yield Path(copy.name)


def _check_is_table(head: bytes) -> None:
    """Raise FileProblemError for a picture, a program, another archive or the like."""
    for magic, kind in OTHER_KINDS.items():
        is_sure = not magic.isascii() or kind in WRITTEN_KINDS or b"\0" in head  # a column may be called MZ
        if head.startswith(magic) and is_sure:
            raise FileProblemError("other_kind", detail=kind)
    if head[257:262] == b"ustar":
        raise FileProblemError("other_kind", detail="TAR")
    if head.startswith((GZIP_MAGIC, ZIP_MAGIC)):
        raise FileProblemError("other_kind", detail="ZIP")
