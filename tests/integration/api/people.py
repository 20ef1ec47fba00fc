"""People with a browser's cookies, signed in through the real form."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request

from tests.integration.api.client import Answer
from tests.support.stack import Stack


class _Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are answers to look at."""

    def redirect_request(self, *args: object) -> None:
        return None


class Person:
    """Somebody at a browser: cookies, forms, no JavaScript."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies), _Stay())

    def get(self, path: str, **headers: str) -> Answer:
        return self._send(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, **fields: str) -> Answer:
        token = next((cookie.value for cookie in self.cookies if cookie.name == "csrftoken"), "") or ""
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}).encode()
        return self._send(urllib.request.Request(self.url + path, body))

    def sign_in(self, email: str, password: str) -> Answer:
        self.get("/login")
        return self.post("/login", login=email, password=password)

    def _send(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=30) as response:
                return Answer(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())


def signed_in(stack: Stack, email: str, tenant: str, *roles: str) -> Person:
    """A new member of a tenant, signed in."""
    options = [option for role in roles for option in ("--role", role)]
    printed = stack.manage("add_member", email, tenant, *options).stdout
    password = re.search(r"password: (\S+)", printed)
    assert password, printed
    person = Person(stack.url)
    answer = person.sign_in(email, password[1])
    assert answer.status == 302, answer.raw[:2000]
    return person
