"""What will go away says so in every answer: Deprecation (RFC 9745) and Sunset (RFC 8594)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from django.utils.http import http_date
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

EVERYTHING: Final = "*"


@dataclass(frozen=True)
class Deprecated:
    """Since when something should not be used, when it ends, and the page that says what to use."""

    since: datetime
    sunset: datetime | None = None
    link: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The headers of an answer."""
        told = {"Deprecation": f"@{int(self.since.timestamp())}"}
        if self.sunset:
            told["Sunset"] = http_date(self.sunset.timestamp())
        if self.link:
            told["Link"] = f'<{self.link}>; rel="deprecation"; type="text/html"'
        return told


class Deprecates(APIView):
    """Base of views: `deprecations` names by action (by method on plain views), or as "*", what will go away."""

    deprecations: ClassVar[dict[str, Deprecated]] = {}

    @classmethod
    def deprecation_of(cls, action: str) -> Deprecated | None:
        """What is declared of an action."""
        return cls.deprecations.get(action) or cls.deprecations.get(EVERYTHING)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        if self.deprecations:
            action = getattr(self, "action", None) or str(request.method).lower()
            found = self.deprecation_of(action)
            for name, value in found.headers.items() if found else ():
                final.setdefault(name, value)
        return final
