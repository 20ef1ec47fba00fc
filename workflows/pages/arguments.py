"""The page on which the arguments of steps whose attempts are spent are edited before they are tried again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from engine import facade
from engine.facade import Exhausted
from engine.model.json import Json, JsonObject
from engine.model.views import RunView
from highway_platform.kit.permissions import Grant
from workflows.pages.reading import reading


@dataclass(slots=True)
class StepEdit:
    """One step with what is written in its two fields, and what is wrong with it. ``number`` names its fields in the form."""

    step: Exhausted
    number: int
    args: str
    kwargs: str
    args_error: str = ""
    kwargs_error: str = ""
    error: str = ""

    @property
    def is_wrong(self) -> bool:
        return bool(self.args_error or self.kwargs_error or self.error)

    @property
    def before(self) -> tuple[Json, Json]:
        """The arguments that failed."""
        given = self.step.input if isinstance(self.step.input, dict) else {}
        return given.get("args") or [], given.get("kwargs") or {}

    def read(self) -> JsonObject | None:
        """What is to be other than before; None when nothing is, or (with the errors filled in) when it cannot be read."""
        args, self.args_error = _read(self.args, list, _('A list in JSON, such as ["a", 1].'))
        kwargs, self.kwargs_error = _read(self.kwargs, dict, _('An object in JSON, such as {"name": "value"}.'))
        if self.is_wrong or (args, kwargs) == self.before:
            return None
        return {"args": args, "kwargs": kwargs}


def load_edits(grant: Grant, run_id: UUID, written: Mapping[str, str]) -> tuple[RunView, list[StepEdit]]:
    """The run and its steps that wait for a person, with what was written, or the arguments that failed."""
    which = {"tenant_id": grant.tenant_id, "workflow_run_id": run_id}
    with reading(grant) as connection:
        run = facade.get_run(connection, **which)
        steps = facade.list_exhausted(connection, **which)
    return run, [_edit(step, number, written) for number, step in enumerate(steps, 1)]


def _edit(step: Exhausted, number: int, written: Mapping[str, str]) -> StepEdit:
    edit = StepEdit(step, number, "", "")
    args, kwargs = edit.before
    # Steps may have come or gone since the form was shown: what was written belongs to the path that stood beside it.
    same = next((n for n in _numbers(written) if written.get(f"path-{n}") == step.path), None)
    edit.args = written.get(f"args-{same}", "") if same else _shown(args)
    edit.kwargs = written.get(f"kwargs-{same}", "") if same else _shown(kwargs)
    return edit


def _numbers(written: Mapping[str, str]) -> list[str]:
    return [name.removeprefix("path-") for name in written if name.startswith("path-")]


def _shown(value: Json) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _read(text: str, kind: type, form: str) -> tuple[Any, str]:
    """The value, or why it cannot be read."""
    try:
        value = json.loads(text.strip() or ("[]" if kind is list else "{}"))
    except json.JSONDecodeError as error:
        place = {"why": error.msg, "line": error.lineno, "column": error.colno}
        return None, _("This is no valid JSON: %(why)s in line %(line)d, column %(column)d.") % place
    except RecursionError:
        return None, _("This is nested too deeply.")
    return (value, "") if isinstance(value, kind) else (None, form)
