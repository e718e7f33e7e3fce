"""What webhooks may refuse."""

from tenants.errors import Conflict, Invalid


class BadAddress(Invalid):
    """The address of an endpoint is none that is sent to."""

    code = "endpoint_address_refused"
    title = "This address cannot receive webhooks"


class UnknownEventType(Invalid):
    code = "unknown_event_type"
    title = "There is no such event type"


class EndpointState(Conflict):
    code = "endpoint_state"
    title = "The endpoint's state does not allow this"


class DeliveryWaits(Conflict):
    code = "delivery_waiting"
    title = "The delivery is still waiting"
