"""Which zip files may be stored: everything that was made to harm whoever unpacks it is refused, with the reason."""

from __future__ import annotations

import io
import time
import tracemalloc
import zipfile

import pytest

from engine.kit.archives import (
    MAX_ENTRIES,
    MAX_UNPACKED_BYTES,
    BadArchiveError,
    archive_of_module,
    check_archive,
    has_module,
)
from tests.support.archives import with_link, zipped
from tests.support.pace import slowness

GOOD = zipped({"pkg/__init__.py": "", "pkg/tasks.py": "def f(ctx): return 1", "pkg/data.txt": "x" * 1000})


def encrypted(content: bytes) -> bytes:
    """Says of its first entry that it is encrypted, in both of its headers."""
    flagged = bytearray(content)
    flagged[6] |= 1
    flagged[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(flagged)


def lying(content: bytes, really: int, said: int) -> bytes:
    """Says another size of what is in it."""
    return content.replace(really.to_bytes(4, "little"), said.to_bytes(4, "little"))


BAD = {
    "no zip": (b"def f(ctx): pass", "no zip file"),
    "empty": (b"", "no zip file"),
    "something in front of it": (b"#!/bin/sh\n" + GOOD, "no zip file"),
    "cut off": (GOOD[:-30], "damaged"),
    "changed": (zipped({"m.py": "x" * 100}, zipfile.ZIP_STORED).replace(b"xxxx", b"xxxy", 1), "damaged"),
    "up and out": (zipped({"../m.py": ""}), "leads out of it"),
    "up in between": (zipped({"a/../../m.py": ""}), "leads out of it"),
    "absolute": (zipped({"/etc/cron.d/m.py": ""}), "leads out of it"),
    "another system's path": (zipped({"..\\m.py": ""}), "leads out of it"),
    "a drive": (zipped({"C:m.py": ""}), "leads out of it"),
    "a link": (with_link(), "link or a special file"),
    "a name with a control character": (zipped({"a\nb.py": ""}), "has the name"),
    "a long name": (zipped({"a" * 300 + ".py": ""}), "has the name"),
    "encrypted": (encrypted(zipped({"m.py": "x"})), "encrypted"),
    "another method": (zipped({"m.py": "x" * 100}, zipfile.ZIP_LZMA), "a method that Python does not import"),
    "no code": (zipped({"readme.txt": ""}), "no Python module"),
    "many files": (zipped({f"m{n}.py": "" for n in range(MAX_ENTRIES + 1)}), "entries"),
    "a bomb": (zipped({f"m{n}.py": b"\0" * (MAX_UNPACKED_BYTES // 8) for n in range(9)}), "unpacks to"),
    "a bomb that hides its size": (lying(zipped({"m.py": b"\0" * 70_000_001}), 70_000_001, 10), "damaged"),
}


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_what_is_bad_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(BadArchiveError, match=words):
        check_archive(content)


def test_two_files_of_one_name_are_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = _twice()
    with pytest.raises(BadArchiveError, match="twice"):
        check_archive(twice)


def _twice() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("m.py", "1")
        archive.writestr("m.py", "2")
    return target.getvalue()


def test_a_good_one_passes_and_is_searched_for_its_modules() -> None:
    check_archive(GOOD)
    assert [has_module(GOOD, name) for name in ("pkg", "tasks", "pk")] == [True, False, False]


def test_one_module_is_always_the_same_file() -> None:
    made = archive_of_module("one", b"def f(ctx): return 1\n")
    check_archive(made)
    assert made == archive_of_module("one", b"def f(ctx): return 1\n")
    assert has_module(made, "one")


def test_a_bomb_costs_next_to_nothing() -> None:
    bomb = BAD["a bomb that hides its size"][0]
    tracemalloc.start()
    began = time.thread_time()
    with pytest.raises(BadArchiveError):
        check_archive(bomb)
    took = time.thread_time() - began
    assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    tracemalloc.stop()
    assert took < 0.5 * slowness()
