"""The base of the portal's forms: their errors say what to do."""

from typing import Any, Final

from django import forms

MESSAGES: Final = {
    "required": "Fill this in.",
    "min_value": "Give %(limit_value)s or more.",
    "max_value": "Give %(limit_value)s or less.",
    "max_length": "Use at most %(limit_value)s characters; these are %(show_value)s.",
    "max_decimal_places": "Give at most %(max)s decimals.",
    "null_characters_not_allowed": "Remove the invisible characters from the text.",
}


class PortalForm(forms.Form):
    """A form whose fields say what is expected, unless they have a sentence of their own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            _teach(field)


def _teach(field: forms.Field) -> None:
    own = dict(field.error_messages)
    if own.get("required") == forms.Field.default_error_messages["required"]:
        del own["required"]
    field.error_messages = {**MESSAGES, **own}
