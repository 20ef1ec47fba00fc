"""Preconditions and postconditions: checks of a value before and after a step."""

from __future__ import annotations

from collections.abc import Sequence

from engine.kit.patterns import PatternError, matches
from engine.language.definition import Guard
from engine.language.expressions import EvaluationError, Names, UndefinedName, Value, compile_value
from engine.language.expressions.conditions import parse_condition
from engine.language.expressions.nodes import COMPARISONS
from engine.model.errors import StepError
from engine.model.json import Json

_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("string", "str", "text"), (str,)),
    **dict.fromkeys(("int", "integer"), (int,)),
    **dict.fromkeys(("float", "number"), (int, float)),
    **dict.fromkeys(("bool", "boolean"), (bool,)),
    **dict.fromkeys(("list", "array"), (list,)),
    **dict.fromkeys(("dict", "object"), (dict,)),
}


class CompiledGuard:
    """One guard, compiled. `problem` says why it does not hold."""

    __slots__ = ("guard", "roots", "value", "variable")

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.variable = _compile_variable(guard.variable)
        self.value = compile_value(guard.value)
        self.roots = self.variable.roots | self.value.roots

    def problem(self, names: Names) -> str | None:
        """A sentence when the guard does not hold, None when it does."""
        try:
            found: Json = self.variable.render(names)
        except UndefinedName:
            return self._message("is not defined")
        if self.guard.check == "exists" or self._holds(found, self.value.render(names)):
            return None
        return self._message(f"does not satisfy {self.guard.check}")

    def _message(self, fault: str) -> str:
        return self.guard.message or f"{self.guard.variable} {fault}"

    def _holds(self, found: Json, wanted: Json) -> bool:
        check = self.guard.check
        if check == "not_null":
            return found is not None
        if check in {"equals", "not_equals"}:
            return COMPARISONS["==" if check == "equals" else "!="](found, wanted)
        if check == "in_set":
            return COMPARISONS["in"](found, wanted)
        if check == "type_check":
            return _has_type(found, wanted)
        if check == "in_range":
            return _in_range(found, wanted)
        return isinstance(found, str) and _matches(found, wanted)


def _compile_variable(source: str) -> Value:
    """A template, or a bare path."""
    if "{{" in source or "${" in source:
        return compile_value(source)
    path = parse_condition(source)
    return Value(source, path.roots, path.evaluate)


def _matches(found: str, wanted: Json) -> bool:
    try:
        return matches(str(wanted), found)
    except PatternError as error:  # of a pattern that was a template
        raise EvaluationError(str(error)) from None


def _has_type(found: Json, wanted: Json) -> bool:
    types = _TYPES.get(str(wanted).lower())
    if types is None or isinstance(found, bool):
        return types == (bool,)
    return isinstance(found, types)


def _in_range(found: Json, wanted: Json) -> bool:
    if not isinstance(wanted, list) or len(wanted) != 2:
        return False
    try:
        return COMPARISONS["<="](wanted[0], found) and COMPARISONS["<="](found, wanted[1])
    except EvaluationError:
        return False


def first_problem(guards: Sequence[CompiledGuard], names: Names) -> StepError | None:
    """The error of the first guard that does not hold."""
    for guard in guards:
        problem = guard.problem(names)
        if problem is not None:
            return StepError("guard", problem, "GuardFailed", retryable=False)
    return None
