"""Addresses outside of tenants: signing in, the chooser, the API, the administration."""

from __future__ import annotations

from allauth.account.views import LoginView, LogoutView
from django.urls import path

from highway_platform.api import api
from highway_platform.appearance import appearance_set
from tenants import views
from tenants.admin import site

urlpatterns = [
    path("", views.home, name="home"),
    path("login", LoginView.as_view(), name="account_login"),
    path("appearance", appearance_set, name="appearance"),
    path("logout", LogoutView.as_view(), name="account_logout"),
    path("api/v1/", api.urls),
    path("ping", views.ping, name="ping"),
    path("admin/", site.urls),
]
