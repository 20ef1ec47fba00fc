"""The one place where htmx attributes are spelled.

`hx-csp` strips every htmx attribute from an element that does not carry the page's nonce, so injected markup is inert. A template
cannot forget the nonce because it writes no htmx attribute itself: a test forbids it.
"""

from __future__ import annotations

from django import template
from django.template import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def hx(context: Context, **attributes: object) -> SafeString:
    """Attributes of an htmx element: ``{% hx get=address trigger="poll" target="#rows" %}``. Attributes that are None are left out.

    ``status_422`` becomes ``hx-status:422``, other underscores become dashes.
    """
    written = format_html_join(
        " ", 'hx-{}="{}"', ((_spelled(name), value) for name, value in attributes.items() if value is not None)
    )
    return format_html('{} hx-nonce="{}"', written, context["CSP_NONCE"])


def _spelled(name: str) -> str:
    return name.replace("status_", "status:").replace("_", "-")
