"""Where the inbox finds events that never came: in the account's own list."""

from billing.stripe.events import events_between
from shared_apps.inbox.registry import lists_events

lists_events(events_between)
