"""Notices to callers whose workspace is beyond a soft limit: nothing is refused, the answer tells of it."""

from billing.plans.versions import Allowed, Limit
from tenants.api.notices import note


def note_soft(limit: Limit, allowed: Allowed, *, used: int) -> None:
    """Tell the caller when more is used than the soft limit says."""
    if allowed.soft is None or used <= allowed.soft:
        return
    hard = "" if allowed.hard is None else f";hard={allowed.hard}"
    note(f'"{limit.value}";used={used};soft={allowed.soft}{hard}')
