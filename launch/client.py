"""The little of the REST API that the demo needs, with the standard library."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from launch.refusal import Refusal

TIMEOUT_SECONDS = 30.0


class Client:
    """Talks to one platform with one API key. Every answer is the ``data`` of the API's envelope."""

    def __init__(self, address: str, key: str = "") -> None:
        self._base = f"{address}/api/v1"
        self._key = key

    def get(self, path: str) -> Any:
        """Read."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Change something."""
        return self._ask("POST", path, body)

    def answers(self) -> bool:
        """Whether the web server is up."""
        try:
            with urllib.request.urlopen(f"{self._base}/ping", timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        request = urllib.request.Request(  # noqa: S310 (an http:// address that the launcher made)
            self._base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise Refusal(f"{method} {path} was refused with {error.code}: {_message(error)}") from error
        except OSError as error:
            raise Refusal(f"{method} {path} failed: {error}") from error


def _message(error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text[:200]
