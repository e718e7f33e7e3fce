"""What a sandbox does not get: secrets, and addresses that letters would go out to.

An app's config says it for its tables in `sandbox`: a table with what becomes of some columns, or with "delete" when
none of its rows are copied. A test finds columns that look like a secret or an address and that no app has named.

    keep        as it is
    empty       nothing: NULL where that is allowed, else an empty text
    address     an e-mail address at `sandbox.invalid`, unique to the row; what was empty stays so
    unusable    a password that no one can have
    label       a name that was written down: "Someone"
"""

import re
from typing import Any, Final

from django.apps import apps
from django.conf import settings

DELETE: Final = "delete"
RULES: Final = ("keep", "empty", "address", "unusable", "label")
SUSPECT_WORDS: Final = frozenset(
    "email mail phone password secret token key hash digest sha256 url uri endpoint address credential signature "
    "label by".split()
)

Rule = str | dict[str, str]


def rules() -> dict[str, Rule]:
    """What the apps say of their tables."""
    found: dict[str, Rule] = {}
    for config in apps.get_app_configs():
        if config.name in settings.TENANT_APPS:
            found |= getattr(config, "sandbox", {})
    return found


def is_suspect(column: str) -> bool:
    """Whether a column's name sounds like a secret, an address or somebody's name."""
    return not SUSPECT_WORDS.isdisjoint(re.split(r"\W|_", column.lower()))


def is_copied(rule: Rule | None) -> bool:
    """Whether a table's rows come into the sandbox at all."""
    return rule != DELETE


def expression(column: str, rule: str, *, key: str, nullable: bool) -> str:
    """What a column of the sandbox is filled with, as SQL over the row of the original."""
    name, unique = f'"{column}"', f"replace(\"{key}\"::text, '-', '')"
    return {
        "keep": name,
        "empty": "NULL" if nullable else "''",
        "address": f"CASE WHEN {name} <> '' THEN {unique} || '@sandbox.invalid' ELSE {name} END",
        "unusable": "'!' || replace(gen_random_uuid()::text, '-', '')",
        "label": f"CASE WHEN {name} <> '' THEN 'Someone' ELSE {name} END",
    }[rule]


def nullable_columns(table: str) -> set[str]:
    """The columns of a table that may be NULL."""
    fields: list[Any] = [
        field for model in apps.get_models(include_auto_created=True) if model._meta.db_table == table
        for field in model._meta.local_concrete_fields
    ]  # fmt: skip
    return {str(field.column) for field in fields if field.null}
