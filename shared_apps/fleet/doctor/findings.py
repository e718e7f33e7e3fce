"""What the doctor can find, in words for people and in fields for programs."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """The kinds of damage; the text is what JSON shows and runbooks name."""

    ORPHAN = "orphan_schema"
    UNLISTED = "unlisted_schema"
    GONE = "schema_gone"
    RESERVED_BUILT = "reserved_but_built"
    CLIENT_WITHOUT_SCHEMA = "client_without_schema"
    OWNED_BY_NOBODY = "owned_by_nobody"
    WRONG_OWNER_ID = "wrong_owner_id"
    TAKEN = "taken_but_ready"
    LAGGING = "lagging_pool_member"
    HALFWAY = "halfway_migration"
    FAILED = "failed_migration"
    LEDGER = "ledger_differs"
    UNKNOWN_MIGRATION = "unknown_migration"
    NO_MIGRATIONS = "no_migrations_table"
    DRIFT = "catalog_drift"
    MISSING_TABLE = "missing_table"
    LEFT_OVER_TABLE = "left_over_table"
    INVALID_INDEX = "invalid_index"
    NOT_VALIDATED = "constraint_not_validated"
    LEADS_OUT = "leads_out"
    NO_SENTINEL = "missing_sentinel"
    WRONG_SENTINEL = "wrong_sentinel"
    MISSING_ROLE = "missing_role"
    ROLE_ATTRIBUTES = "role_attributes"
    MISSING_MEMBERSHIP = "missing_membership"
    EXCESS_MEMBERSHIP = "excess_membership"
    MISSING_GRANT = "missing_grant"
    EXCESS_GRANT = "excess_grant"
    WRONG_OWNER = "wrong_owner"
    BASELINE = "stale_baseline"
    LEFT_OVER_ROLE = "left_over_role"


@dataclass(frozen=True)
class Finding:
    """One kind of damage to one schema."""

    kind: Kind
    schema: str  # `public` where it is nobody's
    what: str
    advice: str
    mendable: bool = False
    objects: tuple[str, ...] = ()
    # What mending sends, where it is no more than statements.
    statements: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.schema}: {self.what} {self.advice}"
