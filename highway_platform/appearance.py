"""How pages look to this person: theme and density, kept in cookies so that the first paint is right already."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from highway_platform.kit.edges import signed_in

CHOICES = {"theme": ("light", "dark"), "density": ("compact", "comfortable")}
YEAR_SECONDS = 365 * 24 * 3600


def appearance(request: HttpRequest) -> dict[str, Any]:
    """Context processor: ``appearance.theme`` and ``appearance.density``; empty means the system's, or the default."""
    return {"appearance": {name: _known(name, request.COOKIES.get(name, "")) for name in CHOICES}}


@signed_in
@require_POST
def appearance_set(request: HttpRequest) -> HttpResponse:
    """Set what the form sent and go back to the page it was sent from."""
    back = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    response = HttpResponseRedirect(back if safe else "/")
    for name in CHOICES.keys() & request.POST.keys():
        response.set_cookie(
            name,
            _known(name, request.POST[name]),
            max_age=YEAR_SECONDS,
            samesite="Lax",
            secure=request.is_secure(),
            httponly=True,
        )
    return response


def _known(name: str, value: str) -> str:
    return value if value in CHOICES[name] else ""
