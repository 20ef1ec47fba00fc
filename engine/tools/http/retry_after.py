"""When a server wants to be called again."""

from __future__ import annotations

import datetime as dt
import email.utils

import httpx2

MAX_SECONDS = 3_600.0  # a server shall not put a run to sleep for days


def retry_after(response: httpx2.Response) -> float | None:
    """Seconds from now that the response's Retry-After names, in either of its forms (RFC 9110), an hour at most; None when it names none."""
    given = response.headers.get("retry-after", "").strip()
    if given.isdecimal():
        return min(float(given), MAX_SECONDS)
    try:
        at = email.utils.parsedate_to_datetime(given)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    seconds = (at - dt.datetime.now(dt.UTC)).total_seconds()  # an HTTP date is by the clock of the world
    return min(max(seconds, 0.0), MAX_SECONDS)
