"""What an answer tells its caller beside what was asked for: that a limit of the plan is near."""

from contextvars import ContextVar

# Only within a request; whoever runs a verb elsewhere has nobody to tell.
noted: ContextVar[dict[str, None] | None] = ContextVar("notices", default=None)


def note(text: str) -> None:
    """Have the answer of this request tell it, once."""
    notices = noted.get()
    if notices is not None:
        notices[text] = None
