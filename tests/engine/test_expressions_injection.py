"""Whatever is written into a template or a condition: it is refused, or it is text. Never anything of Python's, and never slow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from engine.language.expressions import ExpressionError, MapNames, parse_condition, parse_template

NAMES = MapNames({"x": "text", "o": {"a": 1}, "l": [1]})
SECONDS = 0.01

PAYLOADS = [
    "{{ x.__class__ }}",
    "{{ x.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''.__class__ }}",
    '{{ x["__class__"] }}',
    "{{ __import__('os').system('id') }}",
    "{{ __builtins__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ config.items() }}",
    "{{ request.application.__globals__ }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ x|attr('__class__') }}",
    "{{ x.format_map(o) }}",
    "{{ (x) }}",
    "{{ [].append(1) }}",
    "{{ 7*7 }}",
    "{% for c in x %}{{ c }}{% endfor %}",
    "{{ range(99999999) }}",
    "{{ x ~ x }}",
    "{{ o.keys() }}",
    "{{ l.__len__ }}",
    "{{ x if x else y }}",
    "{{ lambda: 1 }}",
    "{{ `id` }}",
    "${x.__class__}",
    "${__import__('os')}",
    "${jndi:ldap://host/a}",
    "${T(java.lang.Runtime).getRuntime()}",
    "#{7*7}",
    "<%= 7*7 %>",
    "%(x)s",
    "{x.__class__}",
    "{0.__class__}",
    "$(id)",
    "`id`",
    "{{ x\n.__class__ }}",
    "{{ x\u2024__class__ }}",
    "{{ \uff58 }}",
    "{{{{ x }}}}",
    "{{ x }",
    "{{" * 5_000,
    "{{ x }}" * 1_000,
    "${" * 5_000,
    "{{ x" + ".a" * 5_000 + " }}",
    "{{ x" + "[0]" * 5_000 + " }}",
    "{{ x" + "-a" * 5_000 + " }}",
    "{{ " + "a" * 50_000 + " }}",
    "{{ x | default('" + "\\" * 9_999 + " }}",
    "{{ x | default(" + "(" * 5_000 + " }}",
    "{{" + " " * 50_000 + "}}",
]


def quickly(evaluate: Callable[[], Any]) -> Any:
    """The value, None when it was refused. The best of three tries counts, in processor time: the machine may be busy with other tests."""
    best = SECONDS
    for _ in range(3):
        started = time.thread_time()
        try:
            value = evaluate()
        except ExpressionError:
            value = None
        best = min(best, time.thread_time() - started)
    assert best < SECONDS
    return value


SPOKEN = ("<class", "<function", "<module", "<built-in", "uid=", "49", "built-in method")


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_template_is_refused_or_inert_and_quick(payload: str) -> None:
    value = quickly(lambda: parse_template(payload).evaluate(NAMES))
    assert not any(word in str(value) for word in SPOKEN)


CONDITIONS = [
    "__import__('os')",
    "x.__class__ == 1",
    "().__class__.__bases__[0]",
    "exec('1')",
    "eval('1')",
    "open('/etc/passwd')",
    "[c for c in x]",
    "x if x else 1",
    "(lambda: 1)()",
    "x := 1",
    "print(1)",
    "range.__class__",
    "len(len)",
    "range(10**9)",
    "9**9**9 == 1",
    "'a' * 999999999 == x",
    "f'{x}' == 1",
    "x; import os",
    "x #",
    "@x",
    "x.y()",
    "not " * 3_000 + "x",
    "(" * 9_000,
    "[" * 9_000,
    "x and " * 1_500 + "x",
    "'" + "\\'" * 4_000,
    "1" * 9_000 + " == 1",
    "1e999 == 1",
    "-" * 9_000,
    "x == " * 1_000,
    "{{" * 4_000,
    "{{x}}" * 1_000,
    "x" + ".a" * 4_000 + " == 1",
    "x" * 20_000,
]


@pytest.mark.parametrize("payload", CONDITIONS, ids=range(len(CONDITIONS)))
def test_a_condition_is_refused_or_about_values_only_and_quick(payload: str) -> None:
    value = quickly(lambda: parse_condition(payload).evaluate(NAMES))
    assert value is None or isinstance(value, bool | str)


def test_what_a_value_holds_is_never_evaluated_again() -> None:
    names = MapNames({"x": "{{ y }}", "y": "secret"})
    assert parse_template("{{x}}").evaluate(names) == "{{ y }}"
    assert parse_template("<{{x}}>").evaluate(names) == "<{{ y }}>"
    assert parse_condition("'{{x}}' == '{{y}}'").evaluate(names) is False
