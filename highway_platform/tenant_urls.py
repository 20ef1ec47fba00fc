"""Addresses below /t/<slug>/. Their names and paths do not mention the tenant: it is the script name."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("workflows.urls")),
]
