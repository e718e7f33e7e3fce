"""Time travel: everything that asks for the time is told another one, and nobody waits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone


class Clock:
    """The time of a test, which moves when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._offset = timedelta()
        clock = self

        class Moved(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime.now(tz) + clock._offset

        monkeypatch.setattr(timezone, "now", self.now)
        monkeypatch.setattr("jwt.api_jwt.datetime", Moved)
        monkeypatch.setattr("rest_framework_simplejwt.tokens.aware_utcnow", self.now)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def forward(self, **units: float) -> None:
        """Let time pass: `clock.forward(minutes=10)`."""
        self._offset += timedelta(**units)
