"""Where the public keys are published, so that others can check an access token by themselves."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from tenants.portal import portal_public
from tenants.standing import Purpose
from tenants.users.keys import key_set


@portal_public("public keys are for everybody", purpose=Purpose.SELF)
@require_safe
def jwks(request: HttpRequest) -> JsonResponse:
    """The keys that verify access tokens now or soon (RFC 7517)."""
    response = JsonResponse(key_set(), content_type="application/jwk-set+json")
    response["Cache-Control"] = "public, max-age=300"
    response["Access-Control-Allow-Origin"] = "*"
    return response
