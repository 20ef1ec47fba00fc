"""Rules of the house that a machine can see."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from launch.commands import CHECKOUT
from tests.house.tracked import name_of, text_of, tracked

# Written so that this file does not contain what it looks for.
REGISTRY_HOSTS = re.compile(
    r"(?:py"
    + r"pi\.org|pythonhosted"
    + r"\.org|registry\.npm"
    + r"js|yarnpkg"
    + r"\.com|deb\.debian"
    + r"\.org|proxy\.golang"
    + r"\.org)"
)
# Packages whose lines on a person's terminal are their purpose.
SPEAK = ("tests/workflow_examples/", "sandbox/inside/")


def test_no_file_names_the_host_of_a_registry() -> None:
    naming = [name_of(path) for path in tracked() if REGISTRY_HOSTS.search(text_of(path) or "")]
    assert not naming, f"these name a package registry: {naming}"


@pytest.mark.parametrize("lock", ["base", "embedded", "dev", "bench-peers"])
def test_lock_files_hold_hashes_and_no_addresses(lock: str) -> None:
    text = (CHECKOUT / "requirements" / f"{lock}.txt").read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in requirement, requirement


def test_the_larger_locks_agree_with_the_smaller() -> None:
    pins = {
        name: set(re.findall(r"^(\S+==\S+)", (CHECKOUT / f"requirements/{name}.txt").read_text(), re.M))
        for name in ("base", "embedded", "dev")
    }
    assert pins["base"] < pins["embedded"] < pins["dev"]


def test_nobody_prints() -> None:
    printing = [
        f"{name_of(path)}:{node.lineno}"
        for path in tracked("*.py")
        if not name_of(path).startswith(SPEAK)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not printing


def test_packages_and_modules_say_what_they_are_for() -> None:
    silent = [
        name_of(path)
        for path in tracked("*.py")
        if path.read_text().strip() and not {"migrations", "tests"} & set(path.parts) and not _speaks(path)
    ]
    assert not silent, f"no docstring: {silent}"


def _speaks(path: Path) -> bool:
    text = path.read_text()
    return ast.get_docstring(ast.parse(text)) is not None or text.startswith("#")


def test_no_note_to_self_is_left_in_the_code() -> None:
    note = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    left = [
        name_of(path)
        for path in tracked("*.py", "*.sql", "*.html", "*.css", "Makefile")
        if note.search(text_of(path) or "")
    ]
    assert not left


def test_the_words_of_the_readme_are_the_words_of_the_makefile() -> None:
    readme, makefile = (CHECKOUT / "README.md").read_text(), (CHECKOUT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    named = set(re.findall(r"(?:`|^ *|\$ )make ([a-z-]+)", readme, re.M))
    assert {"run", "test"} <= named <= targets


def test_ci_calls_the_same_words() -> None:
    script = CHECKOUT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "make check" in script.read_text()
    assert "make test" in script.read_text()


def test_browser_tests_wait_for_what_they_look_at() -> None:
    """A page's address changes before the page is read: whoever looks at once what a click led to sees half of it on a slow machine."""
    at_once = re.compile(
        r"^ +assert .*(?:\.is_\w+\(\)|\.count\(\) ==|\bin .*\.inner_text\(\)$|\bpage\.(?:url\b|title\())", re.M
    )
    looking = [
        f"{name_of(path)}: {found.strip()}"
        for path in tracked("tests/integration/ui/*.py")
        for found in at_once.findall(path.read_text())
        if ".inner_text().count(" not in found
    ]
    assert not looking, f"ask with playwright's `expect`, which waits: {looking}"
