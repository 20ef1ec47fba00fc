"""Pages outside of any tenant."""

from __future__ import annotations

from typing import cast

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from highway_platform.kit.edges import signed_in
from highway_platform.kit.requests import Request

from .models import User
from .selectors import tenants_of


@signed_in
def home(request: Request) -> HttpResponse:
    """The tenant this person worked in last, or the only one, or a page to choose from."""
    person = cast(User, request.user)
    tenants = list(tenants_of(person))
    last = [tenant for tenant in tenants if tenant.pk == person.last_tenant_id]
    choice = last or tenants
    if len(choice) == 1 and "choose" not in request.GET:
        return HttpResponseRedirect(f"/t/{choice[0].slug}/")
    return render(request, "pages/tenants/chooser.html", {"tenants": tenants})
