"""The parts that the hosted pages are made of. Everything that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from billing.simulator.cards import CARDS
from billing.simulator.service import Answer
from billing.simulator.shapes import Object

STYLE = (Path(__file__).parent / "pages.css").read_bytes()
CARD_TEXTS = {
    "4242424242424242": "is good",
    "4000000000000002": "is declined at once",
    "4000000000000341": "can be saved, and is declined when it is charged",
    "4000002760003184": "asks its owner for proof (3D Secure)",
}
SHELL = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/pages.css">
</head>
<body>
<header><p class="notice">This is a simulated Stripe. No money moves.</p></header>
<main>
<h1>$title</h1>
$content
</main>
</body>
</html>
""")
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


def page(title: str, *parts: str, status: int = 200) -> Answer:
    """A whole page."""
    body = SHELL.substitute(title=escape(title), content="\n".join(filter(None, parts)))
    return Answer(status, body.encode(), HEADERS)


def redirect(url: str) -> Answer:
    """Onwards, with a GET."""
    return Answer(303, b"", {"Location": url, "Cache-Control": "no-store"})


def alert(message: str) -> str:
    return f'<p role="alert">{escape(message)}</p>' if message else ""


def status(message: str) -> str:
    return f'<p role="status">{escape(message)}</p>' if message else ""


def section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def link(url: str, text: str) -> str:
    return f'<a href="{escape(url)}">{escape(text)}</a>'


def form(button: str, *fields: str, name: str = "", quiet: bool = False, boxed: bool = True) -> str:
    """A form that posts to its own page; `name` says which of several it is."""
    hidden = f'<input type="hidden" name="form" value="{escape(name)}">' if name else ""
    look, box = ' class="quiet"' if quiet else "", ' class="card"' if boxed else ""
    return f'<form method="post"{box}>{hidden}{"".join(fields)}<button{look}>{escape(button)}</button></form>'


def field(name: str, label: str, value: str = "", *, kind: str = "text", required: bool = False) -> str:
    """A labelled input."""
    more = " required" if required else ""
    shown = f'id="{name}" name="{name}" type="{kind}" value="{escape(value)}"{more}'
    return f'<label for="{name}">{escape(label)}</label><input {shown}>'


def card_choice(chosen: str = "", *, optional: bool = False) -> str:
    """The test cards to choose from."""
    rows = [(number, f"{_grouped(number)} {text}") for number, text in CARD_TEXTS.items() if number in CARDS]
    rows += [("", "No card for now")] if optional else []
    wanted = chosen or rows[0][0]
    return choice("card", "Test card", rows, wanted)


def choice(name: str, legend: str, rows: Iterable[tuple[str, str]], chosen: str) -> str:
    """One of several, as radio buttons."""
    inputs = "".join(
        f'<label class="choice"><input type="radio" name="{name}" value="{escape(value)}"'
        f"{' checked' if value == chosen else ''}> {escape(text)}</label>"
        for value, text in rows
    )
    return f"<fieldset><legend>{escape(legend)}</legend>{inputs}</fieldset>"


def table(
    head: list[str], rows: Iterable[list[str]], *, foot: list[str] | None = None, caption: str = ""
) -> str:
    """A table whose last column is an amount; cells are HTML already."""
    top = "".join(
        f'<th scope="col"{_amount(at, len(head))}>{escape(each)}</th>' for at, each in enumerate(head)
    )
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    bottom = f"<tfoot><tr>{_cells(foot)}</tr></tfoot>" if foot else ""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{top}</tr></thead><tbody>{body}</tbody>{bottom}</table>"


def _cells(row: list[str]) -> str:
    return "".join(f"<td{_amount(at, len(row))}>{each}</td>" for at, each in enumerate(row))


def _amount(at: int, columns: int) -> str:
    return ' class="amount"' if at == columns - 1 else ""


def _grouped(number: str) -> str:
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def money(amount: int, currency: str) -> str:
    return f"{'−' if amount < 0 else ''}{abs(amount) / 100:,.2f} {currency.upper()}"


def day(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%d %B %Y}".lstrip("0")


def lines_table(lines: list[Object], total: int, currency: str, label: str) -> str:
    """The lines of an invoice with their sum."""
    rows = [[escape(line["description"] or ""), money(line["amount"], currency)] for line in lines]
    return table(["What", "Amount"], rows, foot=[escape(label), money(total, currency)])
