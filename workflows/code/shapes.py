"""Queries about stored code, and how it is shown."""

from __future__ import annotations

from typing import Any

from ninja import Schema
from pydantic import Field

from engine.model.artifacts import Artifact, ModuleVersion, UsedCode

from ..presenters import time


class ArtifactQuery(Schema):
    """Which page of artifacts: those behind the last of the page before."""

    after: str = Field("", max_length=64)
    page_size: int = Field(100, ge=1, le=1_000)


class ModuleQuery(Schema):
    """Which page of versions: those behind the last of the page before."""

    after_name: str = Field("", max_length=100)
    after_version: int = Field(0, ge=0)
    page_size: int = Field(100, ge=1, le=1_000)


def shown_artifact(artifact: Artifact) -> dict[str, Any]:
    """An artifact in the API's words."""
    return {
        "artifact_id": artifact.sha256,
        "size": artifact.bytes,
        "created_at": time(artifact.created_at),
        "created_by": artifact.created_by,
    }


def shown_version(version: ModuleVersion) -> dict[str, Any]:
    """A version of a module in the API's words."""
    return {
        "module_name": version.name,
        "version": version.version,
        "artifact_id": version.sha256,
        "created_at": time(version.created_at),
        "created_by": version.created_by,
    }


def shown_use(used: UsedCode) -> dict[str, Any]:
    """What a run uses in the API's words."""
    return {
        "reference": used.reference,
        "artifact_id": used.sha256,
        "version": used.version,
        "chosen_at": time(used.chosen_at),
    }
