"""Names that were let go: kept from everybody but their last owner until links and DNS records to them have died."""

from uuid import UUID

from django.conf import settings
from django.utils import timezone

from shared_apps.clients.models import ReleasedName
from tenants.errors import Conflict
from tenants.routers import CONTROL_ALIAS


class NameInQuarantine(Conflict):
    """Somebody else let this name go a short while ago."""

    code = "name_in_quarantine"
    title = "This name is not free yet"


def release_name(*, name: str, tenant_id: UUID, using: str) -> ReleasedName:
    """Put a whole host name (`acme.rowhouse.example`) into quarantine, in the caller's transaction."""
    released, _ = ReleasedName.objects.using(using).update_or_create(
        name=name,
        defaults={"last_tenant_id": tenant_id, "until": timezone.now() + settings.NAME_QUARANTINE},
    )
    return released


def refuse_quarantined(name: str, tenant_id: UUID | None, using: str) -> None:
    """Raise NameInQuarantine unless the name is free, or its last owner asks.

    Ask again after the Domain row has been inserted: an insertion waits for a release that is not committed yet,
    and only a later look sees the quarantine which that release began.
    """
    released = ReleasedName.objects.using(using).filter(name=name, until__gt=timezone.now()).first()
    if released is None or released.last_tenant_id == tenant_id:
        return
    raise NameInQuarantine(
        f"{name} belonged to another workspace until a short while ago. It is kept back until "
        f"{released.until:%d %B %Y}, as old links and DNS records may still lead to it. Choose another name, "
        "or come back then."
    )


def forget_released_names() -> int:
    """Delete the names whose time in quarantine is over; how many there were."""
    return ReleasedName.objects.using(CONTROL_ALIAS).filter(until__lte=timezone.now()).delete()[0]
