"""What people write into templates to get out of them: collections of the usual kinds, and families that are one idea many times over.

``injections/*.txt`` hold one payload a line, lines that begin with ``## `` are remarks. In ``unicode.txt`` and ``control.txt`` escapes are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).with_name("injections")
ESCAPED = {"unicode.txt", "control.txt"}

_DUNDERS = (
    *("class", "mro", "base", "bases", "subclasses", "init", "globals", "builtins", "dict", "code", "closure"),
    *("getattribute", "getattr", "setattr", "delattr", "reduce", "reduce_ex", "call", "new", "doc", "module", "self"),
    *("wrapped", "weakref", "slots", "import", "loader", "spec", "func", "defaults", "qualname", "proto"),
)
_PLACES = ("x.__{}__", "o['__{}__']", 'l["__{}__"]', "x.__{}", "__{}__", "__{}__.x")
_CALLS = ("eval", "exec", "open", "compile", "getattr", "type", "vars", "dir", "id", "hash", "repr", "format", "iter")
_ARGUMENTS = ("", "x", "'1'", "range(9)")
_LONG = (1_000, 9_000, 60_000)
_PARTS = (
    *("{{", "}}", "${", "}", "{", "(", ")", "[", "]", "((", "[[", "{{x}}", "${x}", "{{ x | default(", "x.", "x[0]."),
    *(
        "not ",
        "- ",
        "x and ",
        "x == ",
        "1,",
        "'",
        '"',
        "\\",
        "\\'",
        '\\"',
        "'\\",
        "a",
        "_",
        "-",
        ".",
        "|",
        " ",
        "\n",
        "\t",
    ),
    *("9", "0", "1e9", "{{ x", "x }}", "l[0]", "len(", "range(", "[x,", "\u200b", "\u202e", "\U0001f600", "%s", "{0}"),
)
_NUMBERS = (
    "9" * 41,
    "-" + "9" * 4_400,
    "1e308",
    "1e309",
    "-1e309",
    "1e-400",
    "0." + "0" * 60 + "1",
    "1" * 40,
    "1." * 30,
)
_AROUND = (
    "{} == 1",
    "x == {}",
    "range({})",
    "l[{}] == 1",
    "{{{{ l[{}] }}}}",
    "{{{{ nothing | default({}) }}}}",
    "len({})",
)


def payloads() -> dict[str, str]:
    """Every payload once, by a short name that says where it comes from."""
    found: dict[str, str] = {}
    for name, payload in (*_written(), *_families()):
        found.setdefault(payload, name)
    return {name: payload for payload, name in found.items()}


def _written() -> Iterator[tuple[str, str]]:
    for path in sorted(FOLDER.glob("*.txt")):
        for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
            if line and not line.startswith("## "):
                text = line.encode().decode("unicode_escape") if path.name in ESCAPED else line
                yield f"{path.stem}-{number}", text


def _families() -> Iterator[tuple[str, str]]:
    for dunder in _DUNDERS:
        for number, place in enumerate(_PLACES):
            walk = place.format(dunder)
            yield f"walk-{dunder}-{number}", f"{{{{ {walk} }}}}"
            yield f"walk-{dunder}-{number}-bare", f"{walk} == 1"
    for function in _CALLS:
        for number, argument in enumerate(_ARGUMENTS):
            yield f"call-{function}-{number}", f"{{{{ {function}({argument}) }}}}"
            yield f"call-{function}-{number}-bare", f"{function}({argument})"
    for number, part in enumerate(_PARTS):
        for length in _LONG:
            yield f"long-{number}-{length}", part * (length // len(part))
    for number, figure in enumerate(_NUMBERS):
        for place, around in enumerate(_AROUND):
            yield f"number-{number}-{place}", around.format(figure)
