"""Every route that the installed stripe package can call, read from the source of its services."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import stripe

PACKAGE = Path(stripe.__file__).parent
PARAMS_TYPE = re.compile(r"\b([A-Z]\w*Params)\b")


@dataclass(frozen=True, slots=True)
class Route:
    """One call: `POST /v1/customers/{}` and the type of its parameters."""

    method: str
    path: str
    params: tuple[str, str] | None = None

    def params_type(self) -> Any:
        """The TypedDict of its parameters; None where it takes none."""
        return None if self.params is None else getattr(import_module(self.params[0]), self.params[1])


class RouteTable:
    """Finds the route of a path; a literal segment wins over an id."""

    def __init__(self, routes: list[Route]) -> None:
        self.routes = {(route.method, route.path): route for route in routes}
        self._tree: dict[str, Any] = {}
        for route in routes:
            place = self._tree
            for segment in route.path.split("/"):
                place = place.setdefault(segment, {})
            place.setdefault("/", {})[route.method] = route

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
        """The route and the ids in the path."""
        return _walk(self._tree, path.split("/"), method, ())


def _walk(
    place: dict[str, Any], segments: list[str], method: str, ids: tuple[str, ...]
) -> tuple[Route, tuple[str, ...]] | None:
    if not segments:
        route = place.get("/", {}).get(method)
        return None if route is None else (route, ids)
    first, rest = segments[0], segments[1:]
    if first in place and (found := _walk(place[first], rest, method, ids)):
        return found
    return _walk(place["{}"], rest, method, (*ids, first)) if "{}" in place and first else None


@cache
def table() -> RouteTable:
    """The routes of the installed package."""
    files = sorted(PACKAGE.rglob("_*_service.py"))
    return RouteTable([route for path in files for route in _routes_of(ast.parse(path.read_text()))])


def _routes_of(module: ast.Module) -> Iterator[Route]:
    modules = dict(_imported_params(module))
    for service in (node for node in module.body if isinstance(node, ast.ClassDef)):
        for method in (node for node in service.body if isinstance(node, ast.FunctionDef)):
            params = _params_of(method)
            where = (modules[params], params) if params in modules else None
            yield from (Route(verb, path, where) for verb, path in _requests_of(method))


def _imported_params(module: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stripe.params."):
            yield from ((alias.name, str(node.module)) for alias in node.names)


def _params_of(method: ast.FunctionDef) -> str:
    for argument in method.args.args:
        if argument.arg == "params" and argument.annotation is not None:
            found = PARAMS_TYPE.search(ast.unparse(argument.annotation))
            return found[1] if found else ""
    return ""


def _requests_of(method: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    for node in ast.walk(method):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "_request":
            yield ast.literal_eval(node.args[0]).upper(), _path_of(node.args[1])


def _path_of(node: ast.expr) -> str:
    """`"/v1/x".format(…)` or a plain text, with `{}` for every id."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return re.sub(r"\{[^}]*\}", "{}", str(ast.literal_eval(node)))
