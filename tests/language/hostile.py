"""Definitions that were made to hurt: each is a name and a function that makes the text, or the value, to be refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Make = Callable[[], Any]


def task(**more: Any) -> dict[str, Any]:
    return {"operator_type": "task", "function": "tools.x", **more}


def workflow(tasks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "w", "tasks": tasks, **more}


def as_text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def in_a_task(text: str) -> str:
    """JSON text as an argument of the one task of a workflow."""
    return '{"name":"w","tasks":{"a":{"operator_type":"task","function":"tools.x","args":[' + text + "]}}}"


JSON_TEXTS: dict[str, Make] = {
    "10 MB in one text": lambda: in_a_task('"' + "x" * 10_000_000 + '"'),
    "10 MB of tasks": lambda: as_text(workflow({f"t{n}": task() for n in range(210_000)})),
    "just under the size, of tasks": lambda: as_text(workflow({f"t{n}": task() for n in range(150_000)})),
    "100,000 tasks": lambda: as_text(workflow({f"t{n}": task() for n in range(100_000)})),
    "one task too many": lambda: as_text(workflow({f"t{n}": task() for n in range(10_001)})),
    "millions of empty arrays": lambda: in_a_task(",".join(["[]"] * 2_500_000)),
    "millions of small objects": lambda: in_a_task(",".join(['{"a":1}'] * 1_000_000)),
    "millions of small texts": lambda: in_a_task(",".join(['"ab"'] * 1_600_000)),
    "millions of numbers": lambda: in_a_task(",".join(["300"] * 2_000_000)),
    "millions of commas": lambda: in_a_task(",".join(["0"] * 4_000_000)),
    "arrays 10,000 deep": lambda: in_a_task("[" * 10_000 + "]" * 10_000),
    "objects 10,000 deep": lambda: in_a_task('{"a":' * 10_000 + "1" + "}" * 10_000),
    "arrays 4,000,000 deep": lambda: "[" * 4_000_000,
    "loops 1,000 deep": lambda: nested_loops(1_000),
    "the same key twice": lambda: in_a_task('{"a":1,"a":2}'),
    "the same key at the end of 100,000": lambda: in_a_task(
        "{" + ",".join(f'"k{n}":1' for n in [*range(100_000), 7]) + "}"
    ),
    "the same key 100,000 times": lambda: in_a_task("{" + ",".join(['"k":1'] * 100_000) + "}"),
    "NaN": lambda: in_a_task("NaN"),
    "Infinity": lambda: in_a_task("Infinity"),
    "-Infinity": lambda: in_a_task("-Infinity"),
    "a number beyond all floats": lambda: in_a_task("1e400"),
    "a number of 4,000 digits": lambda: in_a_task("9" * 4_000),
    "a number of 5,000,000 digits": lambda: in_a_task("9" * 5_000_000),
    "a thousand numbers of 4,000 digits": lambda: in_a_task(",".join(["9" * 4_000] * 1_000)),
    "a fraction of 5,000,000 digits": lambda: in_a_task("0." + "9" * 5_000_000 + "e999999999"),
    "half of a surrogate pair": lambda: in_a_task(r'"\ud800"'),
    "a NUL": lambda: in_a_task(r'"\u0000"'),
    "no end": lambda: in_a_task('"' + "x" * 5_000_000)[:-10],
    "a text of backslashes without an end": lambda: '{"a":"' + "\\" * 7_000_000,
    "a text of commas without an end": lambda: '{"a":"' + "," * 7_000_000,
    "a byte order mark": lambda: "\ufeff{}",
}


def nested_loops(depth: int) -> str:
    """Loops in loops."""
    text = as_text({"task_id": "a"} | task())
    for level in range(depth):
        text = f'{{"task_id":"l{level}","operator_type":"foreach","items":"range(2)","loop_body":[{text}]}}'
    return '{"name":"w","tasks":{"top":' + text + "}}"


BOMB = "\n".join(f"k{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]" for n in range(12))
ANCHOR_AT_THE_END = "a:\n" + "- x\n" * 64_000 + "- &a x\n- *a\n"

YAML_TEXTS: dict[str, Make] = {
    "a bomb of aliases": lambda: BOMB,
    "an alias to itself": lambda: "a: &a [*a]",
    "a merge of itself": lambda: "a: &a\n  <<: *a\n",
    "an anchor at the end of 256 KB": lambda: ANCHOR_AT_THE_END,
    "more than 256 KB": lambda: "a: " + "x" * 300_000,
    "10 MB": lambda: "- x\n" * 2_500_000,
    "arrays 10,000 deep": lambda: "[" * 10_000 + "]" * 10_000,
    "objects 10,000 deep": lambda: "{a: " * 10_000 + "}" * 10_000,
    "blocks 500 deep": lambda: "".join(" " * n + "a:\n" for n in range(500)),
    "lists 10,000 deep in a line": lambda: "- " * 10_000 + "x",
    "keys 10,000 deep in a line": lambda: "? " * 10_000 + "x",
    "a number to the base of sixty": lambda: "a: !!int " + "1:" * 120_000 + "1",
    "a float to the base of sixty": lambda: "a: !!float " + "1:" * 120_000 + "1.0",
    "Python's objects": lambda: "a: !!python/object/apply:os.system ['id']",
    "a tag of its own": lambda: "a: !secret x",
    "a boolean that is none": lambda: "a: !!bool maybe",
    "a time that is none": lambda: "a: !!timestamp soon",
    "an empty number": lambda: "a: !!int ''",
    "a set": lambda: "a: !!set {b, c}",
    "bytes": lambda: "a: !!binary aGVsbG8=",
    "the same key twice": lambda: "a: 1\na: 2",
    "the same key at the end of 20,000": lambda: "".join(f"k{n}: 1\n" for n in [*range(20_000), 7]),
    "not a number": lambda: "name: w\ntasks: {a: {operator_type: task, function: x, args: [.nan]}}",
    "infinity": lambda: "name: w\ntasks: {a: {operator_type: task, function: x, args: [-.inf]}}",
    "a number of 200,000 digits": lambda: "a: " + "9" * 200_000,
    "a hexadecimal number of 200,000 digits": lambda: "a: 0x" + "f" * 200_000,
    "keys that are no texts": lambda: "{1: a, [2]: b, {c: d}: e}",
    "a key of 200,000 characters": lambda: "k" * 200_000 + ": 1",
    "two documents": lambda: "a: 1\n---\nb: 2\n",
    "a directive": lambda: "%YAML 9.9\n---\na: 1\n",
    "control characters": lambda: "a: \x01\x02",
    "tabs": lambda: "a:\n\t- b\n",
}


def _deep(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def _many(count: int, make: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    return workflow({f"t{n}": make(n) for n in range(count)})


VALUES: dict[str, Make] = {
    "100,000 tasks": lambda: _many(100_000, lambda _: task()),
    "arguments 10,000 deep": lambda: workflow({"a": task(args=_deep(10_000))}),
    "a number of a million bits": lambda: workflow({"a": task(args=[1 << 1_000_000])}),
    "a number of 41 digits": lambda: workflow({"a": task(args=[10**40])}),
    "NaN": lambda: workflow({"a": task(args=[float("nan")])}),
    "300,000 dependencies that are none": lambda: workflow({"a": task(dependencies=[1] * 300_000)}),
    "300,000 cases that are none": lambda: workflow(
        {"a": {"operator_type": "switch", "switch_on": "x", "cases": {str(n): 1 for n in range(300_000)}}}
    ),
    "10,000 tasks of which nothing is right": lambda: _many(
        10_000, lambda n: {"operator_type": "task", "args": 1, "kwargs": 1, "dependencies": 1, "description": n}
    ),
    "10,000 operators that are near to one": lambda: _many(10_000, lambda n: {"operator_type": f"task{n}"}),
    "an operator of a million characters": lambda: workflow({"a": {"operator_type": "task" * 250_000}}),
    "a tool of a million characters": lambda: workflow({"a": task(function="tools." * 150_000)}),
    "an id of a million characters": lambda: workflow({"a" * 1_000_000: task()}),
    "a path of a million characters": lambda: workflow({"a": task(args=["{{" + "x" * 1_000_000 + "}}"])}),
    "a name of a million characters": lambda: workflow({"a": task()}, name="w" * 1_000_000),
    "a schedule of a million characters": lambda: workflow({"a": task()}, schedule="* " * 500_000),
    "a duration of a million characters": lambda: workflow({"a": task(timeout_seconds="P" + "1" * 1_000_000 + "D")}),
    "a time of a million characters": lambda: workflow({"a": {"operator_type": "wait", "wait_for": "2" * 1_000_000}}),
    "a pattern that repeats repetitions": lambda: workflow(
        {"a": task(preconditions=[_guard("((a{1,99}){1,99}){1,99}")])}
    ),
    "a pattern with a reference back": lambda: workflow({"a": task(preconditions=[_guard(r"(a)\1")])}),
    "a pattern that looks around": lambda: workflow({"a": task(preconditions=[_guard("(?=a)b")])}),
    "a pattern of a million characters": lambda: workflow({"a": task(preconditions=[_guard("a?" * 500_000)])}),
    "a pattern of open brackets": lambda: workflow({"a": task(preconditions=[_guard("(" * 1_000)])}),
    "a condition 3,000 deep": lambda: workflow(
        {"a": {"operator_type": "condition", "condition": "(" * 3_000 + "x" + ")" * 3_000, "if_true": "a"}}
    ),
    "2,000 names that are near to others": lambda: _many(2_000, lambda n: task(args=[f"{{{{ t{n}x }}}}"])),
    "2,000 dependencies that are near to others": lambda: _many(2_000, lambda n: task(dependencies=[f"t{n}x"])),
    "a cycle through 2,000 tasks": lambda: _many(2_000, lambda n: task(dependencies=[f"t{(n + 1) % 2_000}"])),
}


def _guard(pattern: str) -> dict[str, Any]:
    return {"variable": "x", "check": "matches_regex", "value": pattern}


NAMES: dict[str, str] = {
    "a letter of Cyrillic": "p\u0430y",
    "fullwidth letters": "\uff50ay",
    "a ligature": "\ufb01x",
    "an accent behind its letter": "e\u0301",
    "a letter with an accent": "\u00e9",
    "a space of no width": "pa\u200by",
    "a joiner": "pa\u200dy",
    "a byte order mark": "\ufeffpay",
    "a turn from right to left": "\u202eyap",
    "an isolate": "\u2066pay\u2069",
    "a soft hyphen": "pa\u00ady",
    "a filler": "pay\u3164",
    "a tag": "pay\U000e0041",
    "a selector of forms": "pay\ufe0f",
    "a space that does not break": "pa\u00a0y",
    "an end of line": "pay\n",
    "an end of a paragraph": "pay\u2029",
    "a NUL": "pay\0",
    "an escape": "pay\x1b[31m",
    "nothing": "",
    "a mathematical letter": "\U0001d5c9ay",
    "a digit of another script": "pay\u0661",
}
