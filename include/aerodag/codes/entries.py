"""Every code that the source can give, with what it says and what to do."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from aerodag.codes.sites import Kind, Site, Sites
from aerodag.codes.source import Source
from aerodag.codes.texts import UNKNOWN, Scope, scopes_of
from aerodag.errors import Category, DataError, InfrastructureError
from aerodag.findings import Severity
from aerodag.ledger.database import SQL_DIR, query_files

_CODE = re.compile(r"[a-z0-9_]+\.([a-z0-9_]+|\*)")
_OWN_MODULES = "aerodag.codes"
_PREFLIGHT = "aerodag.pipeline.preflight"
_SEE_PAGE = "The pre-flight page lists every image with its reason."
_WEIGHTS = [*(severity.value for severity in Severity), "review", "no-go"]
_DEFAULTS = re.compile(r"coalesce\((failure_code|failure_category|message|advice), '((?:[^']|'')*)'\)")


@dataclass(frozen=True, order=True)
class Entry:
    """One code as one place of the source gives it.

    ``category`` and ``retry`` are a failure's, ``weight`` is a remark's severity or a verdict's decision; empty where
    there is none. ``place`` is file and line.
    """

    code: str
    kind: Kind
    category: str = ""
    retry: str = ""
    weight: str = ""
    message: str = ""
    advice: str = ""
    place: str = field(default="", compare=False)


def entries() -> list[Entry]:
    """All codes of the package, sorted; the same thing said twice counts once.

    Raises:
        LookupError: a code cannot be told from the source.
    """
    source = Source.read()
    found = set(_in_queries())
    sites = Sites(source)
    for module in source.modules.values():
        if not module.name.startswith(_OWN_MODULES):
            for call in module.calls:
                if (site := sites.of(call)) is not None:
                    found.update(_of(sites, site))
    found.update(list(_stopped(source, found)))
    return sorted(found)


def contradictions(known: Iterable[Entry]) -> dict[str, set[str]]:
    """The codes that are given to failures of more than one category, by which one tells who can cure them."""
    categories: dict[str, set[str]] = defaultdict(set)
    for entry in known:
        if entry.category:
            categories[entry.code].add(entry.category)
    return {code: found for code, found in categories.items() if len(found) > 1}


def without_advice(known: Iterable[Entry]) -> list[str]:
    """Places where a failure, or a remark that is more than information, does not say what to do."""
    return [
        f"{entry.place}: {entry.code}"
        for entry in known
        if not entry.advice
        if entry.kind is Kind.FAILURE or (entry.kind is Kind.REMARK and not entry.weight.startswith("info"))
    ]


@dataclass(frozen=True)
class _Row:
    """A scope, and what a table's row says where the site itself does not."""

    scope: Scope
    messages: tuple[str, ...] = ()
    advices: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()


def _of(sites: Sites, site: Site) -> Iterator[Entry]:
    for scope in scopes_of(sites.source, site.call, site.parts):
        rows = [_Row(scope)]
        if any(UNKNOWN in code for code in scope.texts(site.code)):
            rows = list(_rows(sites, scope, site)) or rows
        for row in rows:
            yield from _said(site, row)


def _said(site: Site, row: _Row) -> Iterator[Entry]:
    scope = row.scope
    messages = _known(scope.texts(site.message)) or row.messages or (UNKNOWN,)
    weight = " or ".join(sorted(_known(scope.texts(site.weight)) or row.weights, key=_WEIGHTS.index))
    advices = _known(scope.texts(site.advice)) or row.advices or ("",)
    for code in scope.texts(site.code):
        if not _CODE.fullmatch(code):
            if site.kind is Kind.EVENT:
                continue  # passed on, or the doctor's
            raise LookupError(f"{site.call.place}: the code {code!r} cannot be told from the source")
        for message, advice, (category, retry) in product(messages, advices, _cures(scope, site)):
            yield Entry(code, site.kind, category, retry, weight, message, advice, site.call.place)


def _cures(scope: Scope, site: Site) -> list[tuple[str, str]]:
    """Category and retry of a failure."""
    if site.kind is not Kind.FAILURE:
        return [("", "")]
    if site.classes:
        given = _known(scope.texts(site.retry))
        return [(kind.category.value, retry) for kind in site.classes for retry in given or (kind.retry.value,)]
    known = [text for text in scope.texts(site.category) if text in set(Category)]
    return [(category, "") for category in known or [""]]


def _rows(sites: Sites, scope: Scope, site: Site) -> Iterator[_Row]:
    """Where the code is a key of a table of the file: one scope for each row of the table."""
    names = {name.id for name in ast.walk(site.code) if isinstance(name, ast.Name)}
    used = {node.id for node in ast.walk(scope.function or scope.module.tree) if isinstance(node, ast.Name)}
    for name, table in scope.module.definitions.items():
        if isinstance(table, ast.Dict) and name in used:
            for key, value in zip(table.keys, table.values, strict=True):
                if key is not None:
                    bound = dict.fromkeys(names, (scope, key)) | _unpacked(scope, value)
                    yield _row(sites, replace(scope, bound={**scope.bound, **bound}), site, value)


def _row(sites: Sites, scope: Scope, site: Site, value: ast.expr) -> _Row:
    """A row that is a text, or a record with the fields of a remark."""
    if isinstance(value, ast.Call):
        given = dict(zip(sites.fields_of(site.call, value), value.args, strict=False))
        return _Row(scope, *(scope.texts(given.get(name)) for name in ("message", "advice", "severity")))
    if isinstance(value, ast.Tuple):
        return _Row(scope)
    return _Row(scope, tuple(text.replace("{}", UNKNOWN) for text in scope.texts(value)))


def _unpacked(scope: Scope, value: ast.expr) -> dict[str, tuple[Scope, ast.expr]]:
    """The local names that a row of a table is unpacked into."""
    if scope.function is None or not isinstance(value, ast.Tuple):
        return {}
    for node in ast.walk(scope.function):
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Tuple):
            names = [one.id for one in target.elts if isinstance(one, ast.Name)]
            if len(names) == len(value.elts) and not isinstance(node.value, ast.Tuple):
                return {name: (scope, text) for name, text in zip(names, value.elts, strict=True)}
    return {}


def _stopped(source: Source, found: Iterable[Entry]) -> Iterator[Entry]:
    """The failures of runs that are no-go and that nobody was asked about, as the preflight step words them."""
    module = source.modules[_PREFLIGHT]
    table = module.definitions["_ADVICE"]
    if not isinstance(table, ast.Dict):
        raise LookupError(f"{module.path}: _ADVICE is no table of advice by code")
    advice = {
        key.value: value for key, value in zip(table.keys, table.values, strict=True) if isinstance(key, ast.Constant)
    }
    for entry in found:
        if entry.kind is Kind.VERDICT and entry.weight == "no-go":
            kind = InfrastructureError if entry.code.startswith("resources.") else DataError
            text = Scope(source, module).texts(advice.get(entry.code)) or (_SEE_PAGE,)
            cure = {"category": kind.category.value, "retry": kind.retry.value, "advice": text[0]}
            yield replace(entry, kind=Kind.FAILURE, weight="", **cure)


def _in_queries() -> Iterator[Entry]:
    """What a query writes where nobody else did."""
    for path in query_files().values():
        given = dict(_DEFAULTS.findall(path.read_text(encoding="utf-8")))
        if _CODE.fullmatch(given.get("failure_code", "")):
            yield Entry(
                given["failure_code"],
                Kind.FAILURE,
                given.get("failure_category", ""),
                message=given.get("message", ""),
                advice=given.get("advice", ""),
                place=str(path.relative_to(SQL_DIR.parent)),
            )


def _known(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text for text in texts if text.strip(f"{UNKNOWN} "))
