"""The places of the source that give a code to something."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from aerodag import errors
from aerodag.codes.source import Call, Source
from aerodag.errors import AerodagError, Retry

_VERDICTS = {"_no_go": "no-go", "_review": "review"}
_EVENTS = {"tell"}
_VERDICT_MODULE = "aerodag.preflight.verdict"


class Kind(StrEnum):
    """What a code is given to."""

    FAILURE = "failure"
    REMARK = "remark"
    VERDICT = "verdict"
    EVENT = "event"


@dataclass(frozen=True)
class Site:
    """A call that gives a code, with its parts named; ``classes`` are the errors that it may make."""

    call: Call
    kind: Kind
    code: ast.expr
    message: ast.expr | None = None
    advice: ast.expr | None = None
    weight: ast.expr | None = None
    category: ast.expr | None = None
    retry: ast.expr | None = None
    classes: tuple[type[AerodagError], ...] = ()

    @property
    def parts(self) -> list[ast.expr]:
        """The expressions whose texts belong together."""
        return [part for part in (self.code, self.message, self.advice, self.weight) if part is not None]


@dataclass(frozen=True, eq=False)
class Sites:
    """Finds the sites among the calls of the package: errors, findings, records that become one, verdicts."""

    source: Source

    def of(self, call: Call) -> Site | None:
        """What a call gives a code to; None where it gives none, or passes one on that is given elsewhere."""
        given = {keyword.arg: keyword.value for keyword in call.node.keywords if keyword.arg}
        name = call.name
        if name in self._errors:
            return self._error(call, (self._errors[name],), given)
        if name in self._records:
            return self._record(call, dict(zip(self._records[name], call.node.args, strict=False)) | given)
        if "advice" in given and "code" in given:
            return self._closing(call, given)
        if "advice" in given and isinstance(call.node.func, ast.Name):
            return self._error(call, self._classes_of(call, call.node.func.id), given)
        if name in _EVENTS and len(call.node.args) > 1:
            return Site(call, Kind.EVENT, call.node.args[0], call.node.args[1])
        if name == "add_event" and "kind" in given:
            return Site(call, Kind.EVENT, given["kind"], given.get("message"))
        if name in _VERDICTS and call.module.name == _VERDICT_MODULE and isinstance(call.node.args[0], ast.Constant):
            code, message = call.node.args
            return Site(call, Kind.VERDICT, code, message, weight=ast.Constant(value=_VERDICTS[name]))
        return None

    def fields_of(self, call: Call, record: ast.Call) -> tuple[str, ...]:
        """The fields of the dataclass that a call beside another one makes."""
        found = self.source.resolve(call.module, record.func)
        return _fields(found[1]) if found is not None and isinstance(found[1], ast.ClassDef) else ()

    def _error(self, call: Call, classes: tuple[type[AerodagError], ...], given: dict[str, ast.expr]) -> Site | None:
        given = dict(zip(("code", "message"), call.node.args, strict=False)) | given
        if not classes or _is_passed_on(given.get("code")):
            return None
        retry = given.get("retry")
        if call.around and isinstance(call.around[-1], ast.Call) and _is_name(call.around[-1].func, "RemediedError"):
            retry = ast.Constant(value=Retry.SAME.value)
        return Site(
            call,
            Kind.FAILURE,
            given["code"],
            given.get("message"),
            given.get("advice"),
            retry=retry,
            classes=classes,
        )

    def _record(self, call: Call, given: Mapping[str, ast.expr]) -> Site | None:
        """A remark with its severity, or what an error is made of later."""
        if _is_passed_on(given.get("code")):
            return None
        code, message, advice = given["code"], given.get("message"), given.get("advice")
        if "severity" in given:
            return Site(call, Kind.REMARK, code, message, advice, weight=given["severity"])
        kind = given.get("kind")
        classes = (self._errors[kind.id],) if isinstance(kind, ast.Name) and kind.id in self._errors else ()
        return Site(
            call,
            Kind.FAILURE,
            code,
            message,
            advice,
            category=given.get("category"),
            retry=given.get("retry"),
            classes=classes,
        )

    def _closing(self, call: Call, given: Mapping[str, ast.expr]) -> Site | None:
        """A run that is closed by a code, without an error."""
        if _is_passed_on(given["code"]):
            return None
        category = given.get("category", given.get("state"))
        return Site(call, Kind.FAILURE, given["code"], given.get("message"), given["advice"], category=category)

    def _classes_of(self, call: Call, name: str) -> tuple[type[AerodagError], ...]:
        """The error classes that a local name can be."""
        names = [
            used.id
            for node in (ast.walk(call.function) if call.function is not None else ())
            if isinstance(node, ast.Assign) and any(_is_name(target, name) for target in node.targets)
            for used in ast.walk(node.value)
            if isinstance(used, ast.Name)
        ]
        return tuple(dict.fromkeys(self._errors[name] for name in names if name in self._errors))

    @cached_property
    def _errors(self) -> dict[str, type[AerodagError]]:
        """The error classes by name; one that the package derives counts as its base."""
        found = {kind.__name__: kind for kind in errors.ERROR_TYPES.values()}
        for _ in range(3):
            for node in self._classes:
                for base in node.bases:
                    if isinstance(base, ast.Name) and base.id in found:
                        found.setdefault(node.name, found[base.id])
        return found

    @cached_property
    def _records(self) -> dict[str, tuple[str, ...]]:
        """The dataclasses that carry a code and an advice, with their fields in order."""
        fields = {node.name: _fields(node) for node in self._classes}
        return {name: names for name, names in fields.items() if {"code", "advice"} <= set(names)}

    @cached_property
    def _classes(self) -> list[ast.ClassDef]:
        definitions = [node for module in self.source.modules.values() for node in module.definitions.values()]
        return [node for node in definitions if isinstance(node, ast.ClassDef)]


def _fields(node: ast.ClassDef) -> tuple[str, ...]:
    lines = [line for line in node.body if isinstance(line, ast.AnnAssign)]
    return tuple(line.target.id for line in lines if isinstance(line.target, ast.Name))


def _is_passed_on(code: ast.expr | None) -> bool:
    """Whether a code comes with an error, a finding or a record that is made elsewhere."""
    if isinstance(code, ast.Subscript):
        return isinstance(code.slice, ast.Constant) and code.slice.value == "code"
    if isinstance(code, ast.IfExp):
        return _is_passed_on(code.body)
    return code is None or (isinstance(code, ast.Attribute) and code.attr in {"code", "failure_code"})


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
