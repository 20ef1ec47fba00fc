"""Addresses outside of tenants: signing in, the chooser, the API, the administration."""

from __future__ import annotations

from allauth.account.views import LoginView, LogoutView
from django.templatetags.static import static
from django.urls import path, reverse_lazy
from django.utils.functional import lazy
from django.views.generic import RedirectView

from highway_platform import probes
from highway_platform.api import api
from highway_platform.appearance import appearance_set
from tenants import views
from tenants.admin import site

urlpatterns = [
    path("", views.home, name="home"),
    path("login", LoginView.as_view(), name="account_login"),
    path("logout", LogoutView.as_view(), name="account_logout"),
    path("appearance", appearance_set, name="appearance"),
    path("api/v1/", api.urls),
    path("ping", probes.ping, name="ping"),
    path("health", probes.health, name="health"),
    path("openapi.json", RedirectView.as_view(url=reverse_lazy("api:openapi-json")), name="openapi"),
    path("docs", RedirectView.as_view(url=reverse_lazy("api:openapi-view")), name="docs"),
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("icon.svg")), name="favicon"),
    path("admin/", site.urls),
]
