"""A request is answered by one thread, from its first middleware to its last.

All views here wait for the database in plain code. Django's own handler moves such a request from the loop to a new thread and back at every seam
between middleware that can be awaited and middleware that cannot, and for the signals at both ends: five changes of thread, which took more
than half of a submission's own time. The loop reads what comes, sends what goes, and follows answers that are told bit by bit.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, TypeVar

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import close_old_connections
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from highway_platform.kit.rest.body_limit import Receive, Scope, Send

# Requests that wait for somebody hold a thread each; there are only as many as were busy at a time.
MOST_THREADS = 1_000

T = TypeVar("T")


class OneThreadHandler(ASGIHandler):
    """Django's ASGI application, each request in a thread of its own that others take up when it is over.

    An answer is closed before it is sent, so that a slow reader holds no connection to the database.
    """

    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="request")

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002 - Django's signature
        """All of it to be called, none to be awaited."""
        super().load_middleware(is_async=False)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, from the first byte of its body to the last of its answer."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        response = await self._in_thread(lambda: self._respond(scope, body))
        if response.streaming:
            await self._tell(response, receive, send)
        else:
            await self.send_response(response, send)

    def _respond(self, scope: Scope, body: IO[bytes]) -> Any:
        """What a thread does. One answer is still open behind it: one that is told bit by bit."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, body)
        if request is None:
            body.close()
        response: Any = refusal if request is None else self.get_response(request)
        response._handler_class = type(self)  # for the signal of its end
        if response.streaming:
            close_old_connections()
        else:
            response.close()
        return response

    async def _tell(self, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        """Send it until it ends or nobody listens any more."""
        sending = asyncio.create_task(self.send_response(response, send))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            leaving.cancel()
            sent, left = await asyncio.gather(sending, leaving, return_exceptions=True)
            await self._in_thread(response.close)
        for error in (sent, left):
            if isinstance(error, Exception) and not isinstance(error, RequestAborted):
                raise error

    async def _in_thread(self, work: Callable[[], T]) -> T:
        context: Any = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, work)
