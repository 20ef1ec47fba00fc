"""Code that tenants store: zip files under their hash, modules with versions, and what a run uses of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MAX_ARTIFACT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Artifact:
    """A zip file of Python modules without its content; ``sha256`` is its identity."""

    sha256: str
    bytes: int
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class ModuleVersion:
    """One version of a stored module, which is imported by ``name``."""

    name: str
    version: int
    sha256: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class UsedCode:
    """Which code a run uses for a reference of its steps, from the first time on."""

    reference: str
    sha256: str
    version: int | None
    chosen_at: datetime
