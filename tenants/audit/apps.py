from typing import Any, ClassVar

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "tenants.audit"
    label = "audit"
    append_only = ("audit_auditentry",)
    # Who did what is about people; a sandbox begins with a history of its own.
    sandbox: ClassVar[dict[str, Any]] = {"audit_auditentry": "delete"}
    kept_after_deletion: ClassVar[dict[str, str]] = {"audit_auditentry": "target_id"}
