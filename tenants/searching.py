"""Searching a table by words: the languages that the database knows, and the column that it searches in.

A table that is searched has a generated column (`search_column`), a GIN index on it, and a trigram index on what may
be mistyped. Rows say their language themselves, because a generated column cannot ask whose schema it is in.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.db import connections
from django.db.models import (
    BooleanField,
    Case,
    F,
    Func,
    GeneratedField,
    IntegerField,
    Model,
    Q,
    QuerySet,
    Value,
    When,
)
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


WORD: Final = re.compile(r"[^\W_]+")
MOST_WORDS: Final = 8
# More are not ranked: whoever finds so many has to say more. Rows beyond are left out of a ranked answer.
MOST_RANKED: Final = 2_000
SHORTEST_TYPO: Final = 3
LIKENESS: Final = 0.4
EXACT: Final = 10_000_000
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class TextSearch:
    """How one table is searched: its generated column, a code that is told exactly, and what may be mistyped."""

    column: str = "search"
    code: str = ""
    typos: str = "name"

    def narrow(self, rows: QuerySet[Row], text: str) -> QuerySet[Row]:
        """Rows that hold all the words, or their beginnings; where none does, those with words like them."""
        words = words_of(text)
        if not words:
            return rows if not text.strip() else rows.none()
        found = rows.filter(self._matches(words))
        return found if found.order_by().exists() else self._like(rows, words)

    def rank(self, rows: QuerySet[Row], text: str) -> QuerySet[Row]:
        """The same with the best first, each with its `relevance`, a whole number that a page can begin at."""
        words = words_of(text)
        if not words:
            return self.narrow(rows, text)
        best = self.narrow(rows, text).order_by().values("pk")[:MOST_RANKED]
        relevance = self._relevance(text, words)
        ranked: Any = rows.filter(pk__in=best).annotate(relevance=relevance).order_by("-relevance", "-id")
        return ranked  # type: ignore[no-any-return]  # the rows are the same, with one attribute more

    def _matches(self, words: list[str]) -> Func:
        return Func(
            F(self.column),
            _query(words),
            arg_joiner=" @@ ",
            template="(%(expressions)s)",
            output_field=BooleanField(),
        )

    def _like(self, rows: QuerySet[Row], words: list[str]) -> QuerySet[Row]:
        long = [word for word in words if len(word) >= SHORTEST_TYPO]
        if not long:
            return rows.none()
        with connections[rows.db].cursor() as cursor:
            cursor.execute(f"SET LOCAL pg_trgm.word_similarity_threshold = {LIKENESS}")
        for word in long:
            like = Q(self._is_like(word))
            rows = rows.filter(like | Q(**{f"{self.code}__contains": word.upper()}) if self.code else like)
        return rows

    def _is_like(self, word: str) -> Func:
        return Func(
            Value(word),
            F(self.typos),
            arg_joiner=" <%% ",
            template="(%(expressions)s)",
            output_field=BooleanField(),
        )

    def _relevance(self, text: str, words: list[str]) -> Any:
        whole = "(%(function)s(%(expressions)s) * 1000000)::int"
        by_words = Func(
            F(self.column), _query(words), function="ts_rank", template=whole, output_field=IntegerField()
        )
        by_likeness = Func(
            Value(" ".join(words)),
            F(self.typos),
            function="word_similarity",
            template=whole,
            output_field=IntegerField(),
        )
        found = by_words * 10 + by_likeness
        if not self.code:
            return found
        exactly = When(**{self.code: text.strip().upper()}, then=Value(EXACT))
        return found + Case(exactly, default=Value(0), output_field=IntegerField())


def words_of(text: str) -> list[str]:
    """The words of what was typed, without what divides them."""
    return WORD.findall(text)[:MOST_WORDS]


def _query(words: list[str]) -> RawSQL:
    """Each word by its stem or as a beginning; or all of them by stems alone, where some are not worth a search."""
    stems, plain = f"'{configuration(current_language())}'::regconfig", f"'{configuration(PLAIN)}'::regconfig"
    each = f"(plainto_tsquery({stems}, %s) || to_tsquery({plain}, %s))"
    sql = f"({' && '.join([each] * len(words))} || plainto_tsquery({stems}, %s))"
    params = [part for word in words for part in (word, f"{word}:*")]
    return RawSQL(sql, [*params, " ".join(words)], output_field=SearchQueryField())
