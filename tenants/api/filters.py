"""What a list may be narrowed and ordered by: what is declared, and nothing else."""

# mypy: disallow-subclassing-any=False
# (django-filter comes without types)

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ErrorDetail
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from tenants.api.failures import InvalidQuery
from tenants.api.fields import CANONICAL_UUID, parse_decimal, parse_timestamp, strange_character
from tenants.exporting import EXPORT
from tenants.searching import Search as TextSearching

LONGEST_SEARCH = 200
NUMBER = re.compile(r"[0-9]{1,18}")


class _TimestampInput(forms.CharField):
    def clean(self, value: Any) -> datetime | None:
        text = super().clean(value)
        moment = parse_timestamp(text) if text else None
        if text and moment is None:
            raise forms.ValidationError(
                "Send an RFC 3339 time with its offset, such as 2026-01-31T09:30:00Z (a + is written %2B)."
            )
        return moment


class _IdInput(forms.CharField):
    def clean(self, value: Any) -> UUID | None:
        text = super().clean(value)
        if text and not CANONICAL_UUID.fullmatch(text):
            raise forms.ValidationError("Send an id: a UUID.")
        return UUID(text) if text else None


class _AmountInput(forms.CharField):
    def clean(self, value: Any) -> Decimal | None:
        text = super().clean(value)
        amount = parse_decimal(text) if text else None
        if text and amount is None:
            raise forms.ValidationError("Send a decimal number such as 12.50.")
        return amount


class _NumberInput(forms.CharField):
    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if text and not NUMBER.fullmatch(text):
            raise forms.ValidationError("Send a whole number.")
        return int(text) if text else None


class _TextInput(forms.CharField):
    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if (name := strange_character(text, multiline=False)) is not None:
            raise forms.ValidationError(f"Text here must not contain {name}: remove it.")
        return text


class _BooleanInput(forms.CharField):
    def clean(self, value: Any) -> bool | None:
        text = super().clean(value)
        if text not in ("", "true", "false"):
            raise forms.ValidationError("Send true or false.")
        return text == "true" if text else None


class TimestampFilter(django_filters.Filter):
    """A time to compare with."""

    field_class = _TimestampInput


class IdFilter(django_filters.Filter):
    """The id of a related record. An id that is unknown here finds nothing."""

    field_class = _IdInput


class AmountFilter(django_filters.Filter):
    """An amount to compare with."""

    field_class = _AmountInput


class NumberFilter(django_filters.Filter):
    """A whole number to compare with."""

    field_class = _NumberInput


class TextFilter(django_filters.CharFilter):
    """Text to compare with."""

    field_class = _TextInput


class BooleanFilter(django_filters.BooleanFilter):
    """true or false."""

    field_class = _BooleanInput


class ChoiceFilter(django_filters.ChoiceFilter):
    """One word of a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"null_label": None, "empty_label": None, **kwargs})


class TenantFilterSet(django_filters.FilterSet):
    """Base of every list's filters."""

    updated_since = TimestampFilter(
        field_name="updated_at", lookup_expr="gte", help_text="Changed at this time or later."
    )


class DeclaredFilters(DjangoFilterBackend):
    """The filters of the view's `filterset_class`."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """Narrow the list; skipped altogether when no filter is asked for."""
        if not self.parameters(view) & request.query_params.keys():
            return queryset
        filterset = self.get_filterset(request, queryset, view)
        if not filterset.is_valid():
            raise InvalidQuery({name: _details(found) for name, found in filterset.errors.as_data().items()})
        narrowed: QuerySet[Any] = filterset.qs
        return narrowed

    def parameters(self, view: Any) -> set[str]:
        """The query parameters that this takes."""
        declared = getattr(view, "filterset_class", None)
        return set(declared.base_filters) if declared else set()


def _details(errors: Sequence[Any]) -> list[ErrorDetail]:
    return [ErrorDetail(message, error.code or "invalid") for error in errors for message in error.messages]


class Search(BaseFilterBackend):
    """`?search=` finds records in which every word stands in one of the view's `search_fields`.

    A view with a `text_search` finds words by their stems and beginnings, mistyped ones too, the best first.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """Narrow the list to what was searched for."""
        text = request.query_params.get("search", "")
        if len(text) > LONGEST_SEARCH:
            raise _wrong("search", f"Search for at most {LONGEST_SEARCH} characters.", "max_length")
        if (name := strange_character(text, multiline=False)) is not None:
            raise _wrong("search", f"Text here must not contain {name}: remove it.", "strange_character")
        search: TextSearching | None = getattr(view, "text_search", None)
        if text.strip() and search is not None:
            # A file holds all that was found, in the list's order.
            is_ordered = "ordering" in request.query_params or view.action == EXPORT
            return search.narrow(queryset, text) if is_ordered else search.rank(queryset, text)
        for word in text.split():
            queryset = queryset.filter(_anywhere(view.search_fields, word))
        return queryset

    def parameters(self, view: Any) -> set[str]:
        """The query parameters that this takes."""
        return {"search"} if view.search_fields else set()

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        if not view.search_fields:
            return []
        where = ", ".join(view.search_fields)
        return [_parameter("search", {"type": "string", "maxLength": LONGEST_SEARCH}, f"Words in: {where}.")]


class Ordering(BaseFilterBackend):
    """`?ordering=name` or `?ordering=-price,name`, by the view's `ordering_fields`."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """Order the list as asked, or as the view or the model has it."""
        text = request.query_params.get("ordering")
        if text is None:
            # What was searched for is ranked already.
            ranked = "relevance" in queryset.query.annotations
            return queryset.order_by(*view.ordering) if view.ordering and not ranked else queryset
        names = text.split(",")
        bare = [name.removeprefix("-") for name in names]
        if set(bare) - set(view.ordering_fields) or len(set(bare)) != len(bare):
            known = ", ".join(view.ordering_fields)
            raise _wrong("ordering", f"This list can be ordered by: {known}; each once.", "invalid_ordering")
        return queryset.order_by(*names)

    def parameters(self, view: Any) -> set[str]:
        """The query parameters that this takes."""
        return {"ordering"} if view.ordering_fields else set()

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        if not view.ordering_fields:
            return []
        known = ", ".join(view.ordering_fields)
        return [
            _parameter("ordering", {"type": "string"}, f"Names divided by commas, - turns round: {known}.")
        ]


def _anywhere(fields: Sequence[str], word: str) -> Q:
    found = Q()
    for field in fields:
        found |= Q(**{f"{field}__icontains": word})
    return found


def _wrong(name: str, detail: str, code: str) -> InvalidQuery:
    return InvalidQuery({name: [ErrorDetail(detail, code)]})


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
