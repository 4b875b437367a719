"""What an expression of text can be, as far as the source tells; what only a run knows is an ellipsis."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice, product

from aerodag.codes.source import Call, Function, Module, Source

UNKNOWN = "…"
ANY = "*"
_MOST = 24
_DEEPEST = 6

Texts = tuple[str, ...]
Bound = Mapping[str, tuple["Scope", ast.expr]]


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: its file and function, what the parameters are, and which way conditions went."""

    source: Source
    module: Module
    function: Function | None = None
    bound: Bound = field(default_factory=dict)
    decided: Mapping[str, bool] = field(default_factory=dict)
    depth: int = 0

    def texts(self, node: ast.expr | None) -> Texts:
        """Everything that an expression can be, without doubles; nothing for None."""
        if node is None:
            return ()
        if self.depth > _DEEPEST:
            return (UNKNOWN,)
        return tuple(dict.fromkeys(islice(self._texts(node), _MOST)))

    def words(self, node: ast.expr) -> Texts:
        """As `texts`; a number that a variable begins with is none that is told."""
        counts = isinstance(node, ast.Constant) and isinstance(node.value, (int, float))
        return (UNKNOWN,) if counts else self.texts(node)

    def deeper(self) -> Scope:
        """The same place, one step further from where the question was asked."""
        return replace(self, depth=self.depth + 1)

    def assigned(self, use: ast.Name) -> list[ast.expr]:
        """The values that a local name can have where it is used."""
        found = list(_assignments(self.function, use)) if self.function is not None else []
        certain = max((line for line, sure, _ in found if sure), default=0)
        return [value for line, _, value in found if line >= certain]

    def _texts(self, node: ast.expr) -> Iterator[str]:
        match node:
            case ast.Constant(value=None):
                return
            case ast.Constant(value=value):
                yield str(value)
            case ast.JoinedStr(values=values):
                yield from ("".join(parts) for parts in product(*map(self._placed, values)))
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                yield from ("".join(parts) for parts in product(self.texts(left), self.texts(right)))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                way = self.decided.get(ast.dump(test))
                yield from () if way is False else self.texts(body)
                yield from () if way is True else self.texts(orelse)
            case ast.BoolOp(op=ast.Or(), values=values):
                yield from (text for value in values for text in self.texts(value) if text != UNKNOWN)
            case ast.Name():
                yield from self._name(node)
            case ast.Attribute():
                yield self._member(node)
            case ast.Call():
                yield from self._called(node)
            case _:
                yield UNKNOWN

    def _placed(self, node: ast.expr) -> Texts:
        """A part of an f-string. What the function worked out itself is for the run to know."""
        if not isinstance(node, ast.FormattedValue):
            return self.texts(node)
        value = node.value
        if isinstance(value, ast.Attribute) and value.attr == "__name__":
            return (ANY,)
        known = isinstance(value, ast.Name) and (value.id in self.bound or not self.assigned(value))
        plain = known and node.format_spec is None and node.conversion < 0
        return (self.texts(value) if plain else ()) or (UNKNOWN,)

    def _name(self, node: ast.Name) -> Iterator[str]:
        if node.id in self.bound:
            scope, value = self.bound[node.id]
            yield from replace(scope, depth=self.depth + 1).words(value)
            return
        if values := self.assigned(node):
            for value in values:
                yield from self.deeper().words(value)
            return
        found = self.source.find(self.module, node.id)
        if found is None or not isinstance(found[1], ast.expr):
            yield UNKNOWN
            return
        yield from Scope(self.source, found[0], depth=self.depth + 1).texts(found[1])

    def _called(self, node: ast.Call) -> Iterator[str]:
        """What a private function of the same file returns; others say in their own words what they are given."""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "strip":
            yield from self.texts(node.func.value)
            return
        found = self.source.resolve(self.module, node.func)
        function = found[1] if found is not None and found[0] is self.module else None
        if not isinstance(function, Function) or not function.name.startswith("_"):
            yield UNKNOWN
            return
        scope = replace(self.deeper(), function=function, bound=bindings(self, function, node))
        for line in ast.walk(function):
            if isinstance(line, ast.Return):
                yield from scope.texts(line.value)

    def _member(self, node: ast.Attribute) -> str:
        """The value of an enumeration's member."""
        found = self.source.resolve(self.module, node.value)
        for line in found[1].body if found is not None and isinstance(found[1], ast.ClassDef) else ():
            match line:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)) if name == node.attr:
                    return str(value)
        return UNKNOWN


def bindings(caller: Scope, function: Function, call: ast.Call) -> dict[str, tuple[Scope, ast.expr]]:
    """The parameters of a function as a call gives them, and their defaults."""
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    given = names[1:] if names[:1] in (["self"], ["cls"]) and isinstance(call.func, ast.Attribute) else names
    own = Scope(caller.source, caller.module)
    bound = {name: (own, value) for name, value in zip(reversed(names), reversed(function.args.defaults), strict=False)}
    for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        if default is not None:
            bound[argument.arg] = (own, default)
    bound |= {name: (caller, value) for name, value in zip(given, call.args, strict=False)}
    bound |= {keyword.arg: (caller, keyword.value) for keyword in call.keywords if keyword.arg}
    return bound


def scopes_of(source: Source, call: Call, parts: Iterable[ast.expr]) -> Iterator[Scope]:
    """The scopes in which a call happens: by caller where ``parts`` depend on one, by row of a table, by condition."""
    parts = list(parts)
    for scope in _by_caller(Scope(source, call.module, call.function), parts, 0):
        for row in _by_row(scope, call):
            yield from _by_condition(row, parts)


def _by_caller(scope: Scope, parts: Iterable[ast.expr], depth: int) -> Iterator[Scope]:
    function = scope.function
    used = {name.id for part in parts for name in ast.walk(part) if isinstance(name, ast.Name)}
    callers = scope.source.callers(function) if function is not None and depth < 3 else ()
    if function is None or not callers or not used & _parameters(function):
        yield scope
        return
    for call in callers:
        above = Scope(scope.source, call.module, call.function)
        for around in _by_caller(above, [*call.node.args, *(word.value for word in call.node.keywords)], depth + 1):
            yield replace(scope, bound=bindings(around, function, call.node))


def _parameters(function: Function) -> set[str]:
    arguments = function.args
    return {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}


def _by_row(scope: Scope, call: Call) -> Iterator[Scope]:
    """One scope for each row of a table of tuples that a comprehension or loop around the call goes over."""
    for node in call.around:
        generators = node.generators if isinstance(node, (ast.ListComp, ast.GeneratorExp)) else [node]
        for loop in generators:
            if isinstance(loop, (ast.comprehension, ast.For)) and isinstance(loop.target, ast.Tuple):
                names = [one.id if isinstance(one, ast.Name) else "" for one in loop.target.elts]
                rows = list(_table(scope, loop.iter, len(names)))
                for row in rows:
                    bound = {name: (scope, value) for name, value in zip(names, row, strict=True)}
                    yield replace(scope, bound={**scope.bound, **bound})
                if rows:
                    return
    yield scope


def _table(scope: Scope, node: ast.expr, width: int) -> Iterator[list[ast.expr]]:
    for value in scope.assigned(node) if isinstance(node, ast.Name) else [node]:
        if isinstance(value, (ast.List, ast.Tuple)):
            yield from (row.elts for row in value.elts if isinstance(row, ast.Tuple) and len(row.elts) == width)


def _by_condition(scope: Scope, parts: list[ast.expr]) -> Iterator[Scope]:
    """A condition that several parts of a call share goes the same way in all of them."""
    tests = [ast.dump(node.test) for part in parts for node in ast.walk(part) if isinstance(node, ast.IfExp)]
    shared = sorted({test for test in tests if tests.count(test) > 1})
    for ways in product((True, False), repeat=len(shared)):
        yield replace(scope, decided=dict(zip(shared, ways, strict=True)))


def _assignments(function: Function, use: ast.Name) -> Iterator[tuple[int, bool, ast.expr]]:
    """Line, whether every way to the use leads over it, and value of each assignment above a use of a name."""
    for block in _blocks(function):
        for index, line in enumerate(block):
            if isinstance(line, ast.Assign) and line.lineno < use.lineno:
                sure = any(later.lineno <= use.lineno <= (later.end_lineno or 0) for later in block[index + 1 :])
                yield from ((line.lineno, sure, value) for value in _values(line, use.id))


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for child in ast.walk(node):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(child, name, None)
            if isinstance(block, list):
                yield block


def _values(line: ast.Assign, name: str) -> Iterator[ast.expr]:
    for target in line.targets:
        pairs = [(target, line.value)]
        if isinstance(target, ast.Tuple) and isinstance(line.value, ast.Tuple):
            pairs = list(zip(target.elts, line.value.elts, strict=False))
        yield from (value for one, value in pairs if isinstance(one, ast.Name) and one.id == name)
