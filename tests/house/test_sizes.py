"""Files and functions stay small. The exceptions are named here, with the size they may not pass; the lists only shrink."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tracked import name_of, tracked

FILE_LINES = 300
TEST_FILE_LINES = 400  # tests are read one at a time
FUNCTION_LINES = 45
FILE_EXCEPTIONS: dict[str, int] = {}
FUNCTION_EXCEPTIONS: dict[str, int] = {}


def python_files() -> list[Path]:
    """Code that people write by hand."""
    return [
        path for path in tracked("*.py") if "migrations" not in path.parts and "workflow_examples" not in path.parts
    ]


def file_limit(name: str) -> int:
    return TEST_FILE_LINES if name.startswith("tests/") else FILE_LINES


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and lines of each function, its docstring not counted."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield f"{name_of(path)}::{node.name}", lines - _docstring_lines(node)


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    if ast.get_docstring(node) is None or first.end_lineno is None:
        return 0
    return first.end_lineno - first.lineno + 1


@pytest.fixture(scope="module")
def file_sizes() -> dict[str, int]:
    return {name_of(path): len(path.read_text().splitlines()) for path in python_files()}


@pytest.fixture(scope="module")
def function_sizes() -> dict[str, int]:
    sizes: dict[str, int] = {}
    for path in python_files():
        for name, lines in functions(path):
            sizes[name] = max(lines, sizes.get(name, 0))
    return sizes


def test_files_are_small(file_sizes: dict[str, int]) -> None:
    large = {name: lines for name, lines in file_sizes.items() if lines > FILE_EXCEPTIONS.get(name, file_limit(name))}
    assert not large, f"split these: {large}"


def test_functions_are_short(function_sizes: dict[str, int]) -> None:
    long = {
        name: lines for name, lines in function_sizes.items() if lines > FUNCTION_EXCEPTIONS.get(name, FUNCTION_LINES)
    }
    assert not long, f"split these: {long}"


def test_the_lists_of_exceptions_shrink(file_sizes: dict[str, int], function_sizes: dict[str, int]) -> None:
    settled = [name for name in FILE_EXCEPTIONS if file_sizes.get(name, 0) <= file_limit(name)]
    settled += [name for name in FUNCTION_EXCEPTIONS if function_sizes.get(name, 0) <= FUNCTION_LINES]
    assert not settled, f"no longer exceptions, take them off the list: {settled}"
