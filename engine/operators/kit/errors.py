"""Errors of expressions as errors of steps."""

from __future__ import annotations

from engine.language.expressions import ExpressionError
from engine.model.errors import StepError


def template_error(error: ExpressionError, message: str = "") -> StepError:
    """A template or condition that cannot be resolved fails its step at once: it would fail again."""
    return StepError("template", message or str(error), type(error).__name__, retryable=False)
