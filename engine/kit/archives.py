"""Zip files of Python code: what may be stored, and how one module becomes such a file."""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from pathlib import PurePosixPath

MAX_ENTRIES = 2_000
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
MAX_NAME_CHARACTERS = 250
_CHUNK_BYTES = 256 * 1024
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what Python imports from
_ALWAYS = (1980, 1, 1, 0, 0, 0)
_WINDOWS_PATH = re.compile(r"[\\:]")


class BadArchiveError(ValueError):
    """The content is no zip file that may be stored; the sentence says why."""


def check_archive(content: bytes) -> None:
    """Refuse what is no plain zip file of Python code: paths that lead out of it, links, bombs, encryption, damage. Raises `BadArchiveError`.

    Nobody unpacks it to a disk (it is imported from, in the sandbox): this keeps out what was made to harm whoever would.
    """
    if not content.startswith(b"PK\x03\x04"):
        raise BadArchiveError("it is no zip file")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_entries(archive.infolist())
            _check_contents(archive)
    except BadArchiveError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise BadArchiveError(f"it is a damaged zip file: {error}") from error


def archive_of_module(name: str, source: bytes) -> bytes:
    """A zip file with one module in it: the same bytes for the same source, so that it has the same hash."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(f"{name}.py", _ALWAYS)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = (stat.S_IFREG | 0o644) << 16
        archive.writestr(entry, source)
    return target.getvalue()


def has_module(content: bytes, name: str) -> bool:
    """Whether a checked zip file has a module or package of that name at its top."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = set(archive.namelist())
    return f"{name}.py" in names or any(entry.startswith(f"{name}/") for entry in names)


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise BadArchiveError(f"it has {len(entries):,} entries; the limit is {MAX_ENTRIES:,}")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES:
        raise BadArchiveError(f"it unpacks to {unpacked:,} bytes; the limit is {MAX_UNPACKED_BYTES:,}")
    seen: set[str] = set()
    for entry in entries:
        _check_entry(entry)
        if entry.filename in seen:
            raise BadArchiveError(f"it has {entry.filename!r} twice")
        seen.add(entry.filename)
    if not any(name.endswith(".py") for name in seen):
        raise BadArchiveError("it has no Python module in it")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename  # before anything was cut off or replaced
    path = PurePosixPath(name)
    if not name or len(name) > MAX_NAME_CHARACTERS or "\0" in name or not name.isprintable():
        raise BadArchiveError(f"an entry has the name {name[:100]!r}")
    if path.is_absolute() or ".." in path.parts or _WINDOWS_PATH.search(name):
        raise BadArchiveError(f"the path {name!r} leads out of it")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadArchiveError(f"{name!r} is a link or a special file")
    if entry.flag_bits & _ENCRYPTED:
        raise BadArchiveError(f"{name!r} is encrypted")
    if entry.compress_type not in _METHODS:
        raise BadArchiveError(f"{name!r} is packed by a method that Python does not import from")


def _check_contents(archive: zipfile.ZipFile) -> None:
    """Unpack it once, in small parts: what is said of sizes may be a lie, and only reading to the end compares the checksums."""
    for entry in archive.infolist():
        with archive.open(entry) as file:
            while file.read(_CHUNK_BYTES):
                pass
