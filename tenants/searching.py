"""Searching a table by words: the languages that the database knows, and the column that it searches in.

A table that is searched has a generated column (`search_column`) and a GIN index on it, or, where words have no stems,
an index on `plain_words`; and a trigram index on what may be mistyped. Rows say their language themselves, because a
generated column cannot ask whose schema it is in.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.db import connections
from django.db.models import (
    BooleanField,
    Case,
    Expression,
    F,
    Func,
    GeneratedField,
    IntegerField,
    Model,
    Q,
    QuerySet,
    TextField,
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
BLANKS: Final = " " * len(DIVIDERS.replace("''", "'"))


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
    return f"setweight(to_tsvector({stemmer}, translate({column}, '{DIVIDERS}', '{BLANKS}')), '{weight}')"


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
MOST_RANKED: Final = 1_000
MOST_PICKED: Final = 10_000
# How like a word is costs far more to say than whether it is there.
MOST_LIKE: Final = 300
# Among so many the best few are chosen, where nobody pages through the others.
FEW: Final = 100
SHORTEST_TYPO: Final = 3
# Shorter ones have no trigrams: an index has nothing to find them by.
SHORTEST_PART: Final = 3
LIKENESS: Final = 0.4
EXACT: Final = 10_000_000
Row = TypeVar("Row", bound=Model)


class Search(Protocol):
    """How the rows of one table are found by what somebody typed."""

    def narrow(self, rows: QuerySet[Row], text: str) -> QuerySet[Row]:
        """All that fit, in any order."""

    def rank(self, rows: QuerySet[Row], text: str) -> QuerySet[Row]:
        """The best first, each with its `relevance`, a whole number that a page can begin at."""


@dataclass(frozen=True)
class TextSearch:
    """How one table is searched: its words, a code that is told exactly, and what may be mistyped."""

    words: str | Expression = "search"
    code: str = ""
    typos: str | Expression = "name"

    def narrow(self, rows: QuerySet[Row], text: str) -> QuerySet[Row]:
        """Rows that hold all the words, or their beginnings; where none does, those with words like them."""
        words = words_of(text)
        if not words:
            return rows if not text.strip() else rows.none()
        keys = self.keys(rows, text)
        if len(keys) <= MOST_RANKED:
            return rows.filter(pk__in=keys)
        held = self.held(rows, text)
        # So many are met soon in whatever order; fewer are picked out, so that no order is walked in vain.
        is_common = held.values("pk")[: MOST_PICKED + 1].count() > MOST_PICKED
        return held if is_common else rows.filter(_among(held))

    def held(self, rows: QuerySet[Row], text: str) -> QuerySet[Row]:
        """Rows that hold all the words or their beginnings, by the condition alone."""
        return rows.filter(self._hold(words_of(text))).order_by()

    def rank(self, rows: QuerySet[Row], text: str, *, most: int = MOST_RANKED) -> QuerySet[Row]:
        """The same with the best first, each with its `relevance`, a whole number that a page can begin at."""
        words = words_of(text)
        if not words:
            return self.narrow(rows, text)
        best = rows.filter(pk__in=self.keys(rows, text, most=most)[:most])
        ranked: Any = best.annotate(relevance=self._relevance(text, words)).order_by("-relevance", "-id")
        return ranked  # type: ignore[no-any-return]  # the rows are the same, with one attribute more

    def keys(self, rows: QuerySet[Any], text: str, *, most: int = MOST_RANKED) -> list[Any]:
        """The keys of what is found, one more than the most."""
        words = words_of(text)
        if not words:
            return []
        # Asked for one row alone, the planner would read the table until it met one.
        held = self.held(rows, text).values_list("pk", flat=True)
        keys = list(held[: most + 1]) or self._like(rows, words, min(most, MOST_LIKE))
        return keys if len(keys) <= most or not self.code else [*self._exactly(rows, text), *keys]

    def _exactly(self, rows: QuerySet[Any], text: str) -> QuerySet[Any, Any]:
        """Whose code this is: it must not be lost among the many whose words it holds."""
        return rows.filter(**{self.code: text.strip().upper()}).order_by().values_list("pk", flat=True)

    def _hold(self, words: list[str]) -> Func:
        return Func(
            _column(self.words),
            _query(words),
            arg_joiner=" @@ ",
            template="(%(expressions)s)",
            output_field=BooleanField(),
        )

    def _like(self, rows: QuerySet[Any], words: list[str], most: int) -> list[Any]:
        long = [word for word in words if len(word) >= SHORTEST_TYPO]
        if not long:
            return []
        with connections[rows.db].cursor() as cursor:
            cursor.execute(f"SET LOCAL pg_trgm.word_similarity_threshold = {LIKENESS}")
        for word in long:
            like = Q(self._is_like(word))
            rows = rows.filter(like | Q(**{f"{self.code}__contains": word.upper()}) if self.code else like)
        return list(rows.order_by().values_list("pk", flat=True)[:most])

    def _is_like(self, word: str) -> Func:
        return Func(
            Value(word),
            _column(self.typos),
            arg_joiner=" <%% ",
            template="(%(expressions)s)",
            output_field=BooleanField(),
        )

    def _relevance(self, text: str, words: list[str]) -> Any:
        found = _whole("word_similarity", Value(" ".join(words)), _column(self.typos))
        if isinstance(self.words, str):
            found = found + _whole("ts_rank", F(self.words), _query(words)) * 10
        if not self.code:
            return found
        exactly = When(**{self.code: text.strip().upper()}, then=Value(EXACT))
        return found + Case(exactly, default=Value(0), output_field=IntegerField())


def _column(named: str | Expression) -> F | Expression:
    return F(named) if isinstance(named, str) else named


def _among(held: QuerySet[Any]) -> Func:
    """Whether a row is one of these, which are looked up first: no plan goes through the others."""
    keys = ArraySubquery(held.values("pk"))
    return Func(
        F("pk"), keys, template="(%(expressions)s))", arg_joiner=" = ANY(", output_field=BooleanField()
    )


def _whole(function: str, *of: Any) -> Any:
    """A figure between 0 and 1 as a whole number of millionths."""
    template = "(%(function)s(%(expressions)s) * 1000000)::int"
    return Func(*of, function=function, template=template, output_field=IntegerField())


def joined(*columns: str) -> Func:
    """The texts of some columns as one; an index on it and a search in it name the same columns."""
    parts = [Func(F(column), template="coalesce(%(expressions)s, '')") for column in columns]
    return Func(*parts, arg_joiner=" || ' ' || ", template="(%(expressions)s)", output_field=TextField())


def plain_words(*columns: str) -> Func:
    """What a row is found by where its words are of no language, such as names of people: for an index on it."""
    return Func(
        joined(*columns),
        template=f"to_tsvector('{configuration(PLAIN)}', translate(%(expressions)s, '{DIVIDERS}', '{BLANKS}'))",
        output_field=SearchVectorField(),
    )


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
