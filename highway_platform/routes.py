"""Every route of the platform as a list: for the system check, for the permission matrix, for the docs page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from ninja.operation import PathView

from .public_routes import GUARDED_NAMESPACES, PUBLIC_ROUTES


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one address. ``permission`` is None when nothing was named."""

    method: str
    path: str
    name: str
    permission: str | None
    urlconf: str

    @property
    def is_public(self) -> bool:
        """Whether it is on the list of routes that need no permission."""
        return self.name in PUBLIC_ROUTES


def all_routes() -> list[Route]:
    """Every route of both urlconfs: the public one and the one below /t/<slug>/."""
    urlconfs = (settings.ROOT_URLCONF, settings.HIGHWAY_TENANT_URLCONF)
    found = (route for urlconf in urlconfs for route in _walk(get_resolver(urlconf).url_patterns, "", "", urlconf))
    return list(dict.fromkeys(found))  # ninja gives an address once for each of its methods


def _walk(patterns: list[URLPattern | URLResolver], prefix: str, namespace: str, urlconf: str) -> Iterator[Route]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, path, inner, urlconf)
        else:
            yield from _routes_of(pattern, path, namespace, urlconf)


def _routes_of(pattern: URLPattern, path: str, namespace: str, urlconf: str) -> Iterator[Route]:
    name = f"{namespace}{pattern.name or ''}"
    guarded = GUARDED_NAMESPACES.get(namespace.split(":", maxsplit=1)[0])
    api_view = _path_view(pattern)
    if api_view is None:
        permission = guarded or getattr(pattern.callback, "required_permission", None)
        yield Route("GET", path, name, permission, urlconf)
        return
    for operation in api_view.operations:
        for method in operation.methods:
            own_name = f"{namespace}{operation.url_name}" if hasattr(operation, "url_name") else name
            yield Route(method, path, own_name, getattr(operation.view_func, "required_permission", None), urlconf)


def _path_view(pattern: URLPattern) -> PathView | None:
    """The operations behind one address of the API; its view is a closure over them."""
    for cell in getattr(pattern.callback, "__closure__", None) or ():
        if isinstance(cell.cell_contents, PathView):
            return cell.cell_contents
    return None
