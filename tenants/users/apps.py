from typing import Any, ClassVar

from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "tenants.users"
    label = "users"
    sandbox: ClassVar[dict[str, Any]] = {
        "users_apitoken": "delete",
        "users_signin": "delete",
        "users_user": {"email": "address", "email_verified_at": "empty", "password": "unusable"},
    }
