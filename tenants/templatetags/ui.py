"""The small vocabulary of the templates: icons, fields, badges, money and times."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django import template
from django.forms import BoundField
from django.http import HttpRequest
from django.template.context import Context
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants import formats, navigation
from tenants.context import NoTenant, Tenant, current_tenant
from tenants.standing import BILLING_PATH, banner_of, is_manager
from tenants.users import permissions

register = template.Library()

TONES: Final = {
    "active": "calm",
    "applied": "calm",
    "cancelled": "hollow",
    "cancelling": "warning",
    "closed": "square",
    "dangling": "danger",
    "delivered": "calm",
    "disabled": "danger",
    "done": "calm",
    "draft": "hollow",
    "expired": "warning",
    "failed": "danger",
    "fulfilled": "calm",
    "low": "warning",
    "open": "warning",
    "paid": "info",
    "partial": "warning",
    "paused": "hollow",
    "pending": "warning",
    "placed": "warning",
    "pointing": "calm",
    "primary": "info",
    "ready": "warning",
    "received": "calm",
    "refunded": "hollow",
    "returned": "square",
    "revoked": "hollow",
    "running": "info",
    "sent": "info",
    "unfulfilled": "hollow",
    "unpaid": "hollow",
    "uploaded": "hollow",
    "verified": "warning",
    "waiting": "warning",
}
THEMES: Final = ("light", "dark")
HTMX: Final = {
    "allowEval": False,
    "allowScriptTags": False,
    "attributesToSettle": ["class"],
    # What is seen answers: with a delay, a fast press would meet a form or link that htmx does not know yet.
    "defaultSettleDelay": 0,
    "historyCacheSize": 0,
    "includeIndicatorStyles": False,
    "refreshOnHistoryMiss": True,
    "responseHandling": [
        {"code": "204", "swap": False},
        {"code": "[23]..", "swap": True},
        {"code": "422", "swap": True},
        {"code": "[45]..", "swap": False, "error": True},
    ],
}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the sprite: decoration, unless a label is given."""
    href = f"{static('rowhouse/icons.svg')}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, href)
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>', href)


@register.simple_tag
def badge(word: str, label: str = "") -> SafeString:
    """A status as text in a shape and colour of its own."""
    tone = TONES.get(word, "plain")
    return format_html('<span class="badge badge--{}">{}</span>', tone, label or word.capitalize())


@register.filter
def money(amount: Decimal | int | None, currency: str) -> str:
    """An amount with its currency; a dash when there is none."""
    return formats.NOTHING if amount is None else formats.money(amount, currency)


@register.filter
def whole(number: int | None) -> str:
    """A whole number with thousands apart."""
    return formats.NOTHING if number is None else formats.whole(number)


@register.filter
def change(number: int) -> str:
    """A whole number with its sign."""
    return formats.change(number)


@register.filter
def seconds(count: float) -> str:
    """A span of time in words: `40 s`, `3 min`, `1 h 5 min`."""
    return formats.span(count)


@register.filter
def initials(name: str) -> str:
    """One or two letters that stand for a person."""
    return formats.initials(name)


@register.filter
def may(user: Any, verb: str) -> bool:
    """Whether the person may do the verb: `{% if user|may:"orders:write" %}`."""
    return permissions.can(user, verb)


@register.simple_tag
def moment(at: datetime | None, style: str = "relative") -> SafeString | str:
    """A time as people say it (or its `day`), with the exact one on hover and for machines."""
    if at is None:
        return formats.NOTHING
    text = formats.day(at) if style == "day" else formats.relative(at)
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), formats.exact(at), text)


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, **more: Any) -> dict[str, Any]:
    """A form field with its label, hint and errors; `prefix` and `suffix` stand beside its control."""
    return {"field": bound, "is_optional": not bound.field.required, **more}


@register.inclusion_tag("components/rail.html", takes_context=True)
def rail(context: Context) -> dict[str, Any]:
    """The navigation of the portal."""
    request: HttpRequest = context["request"]
    shown = {"entries": navigation.rail(request), "is_settings": navigation.is_settings(request.path)}
    return {"request": request, "user": request.user, "tenant": tenant(), **shown}


@register.inclusion_tag("components/standing.html", takes_context=True)
def standing(context: Context) -> dict[str, Any]:
    """The banner of a workspace whose payments or trial need somebody; it asks the database nothing."""
    request: HttpRequest = context["request"]
    found = getattr(request, "tenant", None)
    return {"banner": banner_of(found), "billing": BILLING_PATH, "is_manager": is_manager(request.user)}


@register.inclusion_tag("components/tabs.html", takes_context=True)
def settings_tabs(context: Context) -> dict[str, Any]:
    """The pages of the settings beside each other."""
    return {"tabs": navigation.settings_tabs(context["request"]), "name": "Settings"}


@register.simple_tag
def tenant() -> Tenant | None:
    """The current tenant; nothing on the public host."""
    try:
        return current_tenant()
    except NoTenant:
        return None


@register.simple_tag(takes_context=True)
def theme(context: Context) -> SafeString | str:
    """The attribute that holds a chosen theme; without a choice the system decides."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme") if request else None
    return format_html(' data-theme="{}"', chosen) if chosen in THEMES else ""


@register.simple_tag
def htmx_config() -> SafeString:
    """htmx without eval, without any style of its own, with refused forms (422) as content."""
    return format_html('<meta name="htmx-config" content="{}">', json.dumps(HTMX))


@register.inclusion_tag("components/sort.html", takes_context=True)
def sort(context: Context, listing: Any, name: str, label: str, css: str = "") -> dict[str, Any]:
    """A column's head that sorts the list, ascending first and turned by the next press."""
    return {"request": context["request"], "label": label, "css": css, **listing.sorting(name)}
