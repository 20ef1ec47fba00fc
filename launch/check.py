"""`make check`: every check that needs no running platform. All of them run, so that one start tells everything."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from launch.commands import CHECKOUT, manage
from launch.terminal import say

# Names no server: none of these checks may need one.
NO_DATABASE = {
    f"HIGHWAY_{role}DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none" for role in ("", "MIGRATE_", "WORKER_")
}
SETTINGS = "highway_platform.settings"


def checks() -> dict[str, tuple[list[str], str]]:
    """Name -> command and Django settings."""
    tools = Path(sys.executable).parent
    return {
        "ruff check": ([str(tools / "ruff"), "check", "."], "test"),
        "ruff format": ([str(tools / "ruff"), "format", "--check", "--quiet", "."], "test"),
        "mypy --strict": ([str(tools / "mypy"), "."], "test"),
        "import contracts": ([str(tools / "lint-imports")], "test"),
        "manage.py check": (manage("check", "--fail-level", "WARNING"), "test"),
        "manage.py check --deploy": (manage("check", "--deploy", "--fail-level", "WARNING"), "prod"),
        "migrations complete": (manage("makemigrations", "--check", "--dry-run"), "test"),
    }


def main() -> int:
    """Run the checks; 0 when all pass."""
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "secret-key"
        secret.write_text("only for checking that the settings load, never for signing anything\n")
        for name, (command, settings) in checks().items():
            if not _passes(
                name,
                command,
                {
                    **NO_DATABASE,
                    "DJANGO_SETTINGS_MODULE": f"{SETTINGS}.{settings}",
                    "HIGHWAY_HOSTS": "highway.example",
                    "HIGHWAY_SECRET_KEY_FILE": str(secret),
                },
            ):
                failed.append(name)
    say(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


def _passes(name: str, command: list[str], environment: dict[str, str]) -> bool:
    start = time.monotonic()
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    passed = done.returncode == 0
    say(f"{'ok    ' if passed else 'FAILED'} {name} ({time.monotonic() - start:.1f} s)")
    if not passed:
        say((done.stdout + done.stderr).rstrip())
    return passed


if __name__ == "__main__":
    sys.exit(main())
