"""What the API takes and shows of imports."""

from __future__ import annotations

import json
from typing import Any

from rest_framework import serializers

from tenant_apps.imports.columns import CUSTOMER_FIELDS, FIELDS, PRODUCT_FIELDS
from tenant_apps.imports.models import Import
from tenant_apps.imports.options import EXPECTED
from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer, TenantSerializer


class WordsField(serializers.DictField):
    """An object of short texts; in a form, the same as JSON text."""

    child = fields.TextField(max_length=200)
    default_error_messages = {"not_json": 'Send a JSON object such as {{"sku": "StockCode"}}.'}

    def get_value(self, dictionary: Any) -> Any:
        return dictionary.get(self.field_name, serializers.empty)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, str):
            data = self._parsed(data)
        values: dict[str, str] = super().to_internal_value(data)
        return values

    def _parsed(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            self.fail("not_json")


class SwitchField(fields.BooleanField):
    """true or false, also as the text that a form sends."""

    def to_internal_value(self, data: Any) -> bool:
        words = {"true": True, "false": False}
        return super().to_internal_value(words.get(data, data) if isinstance(data, str) else data)


class ImportUploadSerializer(TenantSerializer):
    """A file of order lines, products or customers, and how to read it."""

    file = serializers.FileField(help_text="XLSX, or CSV in UTF-8 or Windows-1252; with a header row.")
    kind = fields.ChoiceField(
        enum="ImportKind",
        choices=Import.Kind.choices,
        default=Import.Kind.ORDER_LINES,
        help_text="What a row is.",
    )
    mapping = WordsField(
        required=False,
        help_text="Column by field. By default as in the last import with these columns, else told by the header. "
        f"Fields of order lines: {', '.join(f.name for f in FIELDS)}; "
        f"of products: {', '.join(f.name for f in PRODUCT_FIELDS)}; "
        f"of customers: {', '.join(f.name for f in CUSTOMER_FIELDS)}.",
    )
    options = WordsField(
        required=False, help_text=f"{'; '.join(f'{name}: {what}' for name, what in EXPECTED.items())}."
    )
    start = SwitchField(default=True, help_text="Import at once, or only keep the file to be configured.")


class ImportConfigurationSerializer(TenantSerializer):
    """How to read a file that was uploaded with `start=false`."""

    mapping = WordsField(required=False)
    options = WordsField(required=False)


class ImportFileSerializer(TenantModelSerializer):
    """The uploaded file."""

    name = serializers.CharField(source="file_name")
    size = serializers.IntegerField(source="file_size")
    sha256 = serializers.CharField(source="file_sha256")
    columns = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Import
        fields = ("name", "size", "sha256", "columns")


class ImportProgressSerializer(TenantSerializer):
    """How far it is. Rate and time left are null while nothing can be said."""

    percent = serializers.IntegerField()
    rows_per_second = serializers.IntegerField(allow_null=True)
    seconds_left = serializers.IntegerField(allow_null=True)


class ImportCountsSerializer(TenantModelSerializer):
    """rows_read = rows_imported + rows_rejected + rows_already_there, as soon as it is done."""

    class Meta:
        model = Import
        fields = (
            "rows_read",
            "rows_imported",
            "rows_rejected",
            "rows_already_there",
            "products_created",
            "products_changed",
            "customers_created",
            "customers_changed",
            "orders_created",
            "cancellations_created",
            "orders_skipped",
            "records_undone",
            "records_kept",
        )


class ImportSerializer(TenantModelSerializer):
    """One import with its progress."""

    file = ImportFileSerializer(source="*")
    mapping = serializers.DictField(child=serializers.CharField())
    options = serializers.DictField(source="readable_options", child=serializers.CharField())
    missing = serializers.ListField(child=serializers.CharField())
    counts = ImportCountsSerializer(source="*")
    progress = ImportProgressSerializer(source="*")

    class Meta:
        model = Import
        fields = (
            "id",
            "kind",
            "mode",
            "status",
            "phase",
            "error",
            "file",
            "mapping",
            "options",
            "missing",
            "counts",
            "progress",
            "created_by",
            "created_at",
            "updated_at",
            "started_at",
            "finished_at",
            "rehearsed_at",
            "undone_at",
        )
