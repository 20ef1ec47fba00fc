"""One style sheet and one script for every page, put together from the folders of the components.

A component is a folder with its template, style and script. Twenty small files would be twenty requests, so this finder for static
files joins them: first the sheets that all others build on, then every component's by name. Nothing is compiled; order is all there is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

FOUNDATION = ("tokens", "base", "layout")


class AssetFinder(BaseFinder):
    """Finds `app.css` and `app.js`, made new whenever a part is newer. Scripts are wrapped so that they share no names."""

    def __init__(self, *_args: Any, **_options: Any) -> None:
        self._components = Path(settings.BASE_DIR) / "templates" / "components"
        self._styles = Path(settings.BASE_DIR) / "static" / "css"
        self._made = Path(settings.HIGHWAY_HOME) / "assets"

    def find(self, path: str, find_all: bool = False, **_options: Any) -> Any:
        """The file for ``app.css`` or ``app.js``; nothing for any other path."""
        if path not in {"app.css", "app.js"}:
            return [] if find_all else None
        made = str(self._make(path))
        return [made] if find_all else made

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:  # noqa: ARG002 - the finder's interface
        """Both files."""
        storage = FileSystemStorage(location=self._made)
        for name in ("app.css", "app.js"):
            self._make(name)
            yield name, storage

    def _parts(self, name: str) -> Sequence[Path]:
        suffix = Path(name).suffix
        parts = sorted(self._components.glob(f"*/*{suffix}"))
        return [self._styles / f"{sheet}.css" for sheet in FOUNDATION] + parts if suffix == ".css" else parts

    def _make(self, name: str) -> Path:
        target, parts = self._made / name, self._parts(name)
        newest = max(part.stat().st_mtime for part in parts)
        if target.exists() and target.stat().st_mtime > newest:
            return target
        texts = (part.read_text(encoding="utf-8") for part in parts)
        whole = "\n".join(texts) if name.endswith(".css") else "\n".join(f"(() => {{\n{text}}})();" for text in texts)
        self._made.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(
            f"{name}.{os.getpid()}"
        )  # several processes may start at once: the last whole file wins
        draft.write_text(whole, encoding="utf-8")
        draft.replace(target)
        return target
