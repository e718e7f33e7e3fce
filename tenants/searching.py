"""Searching a table by words: the languages that the database knows, and the column that it searches in.

A table that is searched has a generated column (`search_column`), a GIN index on it, and a trigram index on what may
be mistyped. Rows say their language themselves, because a generated column cannot ask whose schema it is in.
"""

from typing import Final

from django.contrib.postgres.search import SearchVectorField
from django.db.models import GeneratedField
from django.db.models.expressions import RawSQL

from tenants.context import current_tenant

# The language of a locale, and the stemmer of PostgreSQL that is made for it.
LANGUAGES: Final = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}
PLAIN: Final = "simple"
SAME: Final = {"nb": "no", "nn": "no"}
# PostgreSQL would take `mug/cup` for a file and `mug.cup` for a host, each a single word.
DIVIDERS: Final = "-_./\\@:&+#,;''()[]"


def language_of(locale: str) -> str:
    """The language that rows of this locale are searched in: `de` for de-AT; plain words where none is known."""
    code = locale.replace("_", "-").partition("-")[0].lower()
    code = SAME.get(code, code)
    return code if code in LANGUAGES else PLAIN


def current_language() -> str:
    """The language of the current tenant."""
    return language_of(current_tenant().locale)


def configuration(language: str) -> str:
    """The text search configuration of a language; `manage.py prepare` makes them in the schema of extensions."""
    return f"ext.rowhouse_{language}"


def search_column(
    *, codes: tuple[str, ...] = (), names: tuple[str, ...], texts: tuple[str, ...] = ()
) -> GeneratedField:
    """What a row is found by: codes and names as they are written, above names and texts by their stems."""
    exact = [_weighted(f"'{configuration(PLAIN)}'", name, "A") for name in (*codes, *names)]
    by_stem = [_weighted(STEMMER, name, "B") for name in names]
    below = [_weighted(STEMMER, text, "D") for text in texts]
    return GeneratedField(
        expression=RawSQL(" || ".join([*exact, *by_stem, *below]), ()),
        output_field=SearchVectorField(),
        db_persist=True,
    )


def _weighted(stemmer: str, column: str, weight: str) -> str:
    spaces = " " * len(DIVIDERS.replace("''", "'"))
    return f"setweight(to_tsvector({stemmer}, translate({column}, '{DIVIDERS}', '{spaces}')), '{weight}')"


STEMMER: Final = " ".join(
    [
        "CASE language",
        *(f"WHEN '{code}' THEN '{configuration(code)}'::regconfig" for code in LANGUAGES),
        f"ELSE '{configuration(PLAIN)}'::regconfig END",
    ]
)
