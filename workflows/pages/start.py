"""The page on which a run is started: the source, what is wrong with it and where, and the graph that it makes."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404

from engine import facade
from highway_platform.kit.permissions import Grant
from sandbox.errors import SandboxUnavailable
from workflows.compiling.source import compile_source
from workflows.gallery.catalog import templates
from workflows.pages.drawing import Picture, picture_of_definition
from workflows.pages.reading import reading
from workflows.sources import CheckedSource, Problem, SourceFormat

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """What came of reading a source. A valid one has a picture, and perhaps warnings among its problems."""

    problems: Sequence[Problem] = ()
    checked: CheckedSource | None = None
    picture: Picture | None = None

    @property
    def is_valid(self) -> bool:
        return self.checked is not None

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def warnings(self) -> int:
        return len(self.problems) - self.errors


def check(source: str, source_format: SourceFormat) -> Check:
    """Read, compile and check a source."""
    try:
        made = compile_source(source, source_format)
    except SandboxUnavailable as error:
        log.error("Python source cannot be compiled: %s", error)
        return Check([Problem("$", "sandbox_unavailable", "Python source cannot be compiled on this server now.")])
    picture = picture_of_definition(made.checked.definition) if made.checked else None
    return Check(made.problems, made.checked, picture)


def load_initial(grant: Grant, name: str) -> dict[str, Any]:
    """The form's fields for the newest definition of a workflow, as its author wrote it."""
    with reading(grant) as connection:
        found = facade.find_definition(connection, tenant_id=grant.tenant_id, name=name)
    if found.source:
        return {"source": found.source, "source_format": found.source_format}
    return {"source": json.dumps(found.definition, indent=2, ensure_ascii=False), "source_format": "json"}


def template_initial(name: str) -> dict[str, Any]:
    """The form's fields for a template of the gallery, with the example of its inputs."""
    template = templates().get(name)
    if template is None:
        raise Http404
    inputs = json.dumps(template.inputs, indent=2, ensure_ascii=False)
    return {"source": template.source, "source_format": "python", "inputs": inputs}
