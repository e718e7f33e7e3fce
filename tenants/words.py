"""Fields of forms that hold several texts in one box: words, lines, names with texts."""

import json
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

LONGEST: Final = 40_000


class WordsField(forms.CharField):
    """Words with commas between them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": 2_000, **options})

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> Any:
        """The words, without empty ones."""
        return [word.strip() for word in super().clean(value).split(",") if word.strip()]


class LinesField(forms.CharField):
    """A text on each line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": LONGEST, **options})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> Any:
        """The lines, without empty ones."""
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]


class PairsField(LinesField):
    """A name and a text on each line, with a colon between them; a name with a colon stands in quotes."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return "\n".join(f"{_quoted(name)}: {text}" for name, text in value.items())

    def clean(self, value: Any) -> Any:
        """The texts by their names."""
        pairs = [_pair(line) for line in super().clean(value)]
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValidationError("Two lines have the same name. Keep one of them.")
        return dict(pairs)


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False) if ":" in name or name.startswith('"') else name


def _pair(line: str) -> tuple[str, str]:
    name, text = line, ""
    if line.startswith('"'):
        try:
            name, end = json.JSONDecoder().raw_decode(line)
        except ValueError:
            end = 0
        colon, text = line[end : end + 1], line[end + 1 :]
    else:
        name, colon, text = line.partition(":")
    if colon != ":" or not name.strip():
        raise ValidationError(f"Write a name, a colon and a text: {line[:40]!r} has no colon.")
    return name.strip(), text.strip()
