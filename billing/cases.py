"""The operators' queue about money: what a person has to look at."""

from billing.models import Case


def open_case(*, kind: str, object_id: str, text: str, tenant: str = "") -> None:
    """Put something down for operators; while it is open, the same thing is one case with the newest text."""
    Case.objects.update_or_create(
        kind=kind,
        object_id=object_id,
        status=Case.Status.OPEN,
        defaults={"text": text},
        create_defaults={"text": text, "tenant": tenant},
    )
