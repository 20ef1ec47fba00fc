"""Requests that wait for a reply: they hold a thread each, and a database connection only while they look."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from django.db import connection

from engine.model.messages import UpdateView
from highway_platform.kit.permissions import Grant
from highway_platform.kit.rest.errors import ApiError

from . import selectors

MOST_WAITING = 200  # in one process
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 1.0
PAUSE_SHARE = 8  # the next look comes after an eighth of the time that has passed


class Patience:
    """Who waits for a reply in this process."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(MOST_WAITING)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place among those who wait. 503 when all are taken: then nothing was sent."""
        if not self._places.acquire(blocking=False):
            message = "Too many requests wait for a reply here. Try again in a moment."
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "too_many_waiting", message, headers={"Retry-After": "1"})
        try:
            yield
        finally:
            self._places.release()

    def await_reply(self, grant: Grant, update_id: uuid.UUID, seconds: float) -> UpdateView:
        """The update once it is answered, or as it is after so many seconds. In between the connection is back in its pool for others."""
        began = time.monotonic()
        while True:
            update = selectors.update_get(grant, update_id)
            passed = time.monotonic() - began
            if update.is_answered or passed >= seconds:
                return update
            connection.close()
            pause = min(LONGEST_PAUSE_SECONDS, max(FIRST_PAUSE_SECONDS, passed / PAUSE_SHARE))
            time.sleep(min(pause, seconds - passed))
