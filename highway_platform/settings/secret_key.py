"""Django's secret key comes from a file of its own, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

MIN_LENGTH = 50


def read_secret_key(path: Path) -> str:
    """The key in that file. Raises ImproperlyConfigured when there is none or it is too short to be safe."""
    try:
        key = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"the secret key cannot be read: {error}") from error
    if len(key) < MIN_LENGTH:
        raise ImproperlyConfigured(f"the secret key in {path} has fewer than {MIN_LENGTH} characters")
    return key


def read_or_make_secret_key(path: Path) -> str:
    """The key in that file, which is made at the first start. Two processes that start at once end with the same key."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)  # fails when another process was first: its key is the one that counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return read_secret_key(path)
