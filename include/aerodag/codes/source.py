"""The package's source as trees: what a name means in a module, and who calls a function."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

PACKAGE = Path(__file__).parents[1]

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef | ast.expr


@dataclass(frozen=True, slots=True)
class Call:
    """A call and the functions around it, innermost last."""

    module: Module
    node: ast.Call
    around: tuple[ast.AST, ...]

    @property
    def function(self) -> Function | None:
        """The innermost function that holds the call."""
        return next((node for node in reversed(self.around) if isinstance(node, Function)), None)

    @property
    def name(self) -> str:
        """The last name of what is called; empty where it has none."""
        func = self.node.func
        return func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""

    @property
    def place(self) -> str:
        """File and line, for whoever has to mend it."""
        return f"{self.module.path.relative_to(PACKAGE.parent)}:{self.node.lineno}"


@dataclass(frozen=True, eq=False)
class Module:
    """One file: its top-level definitions by name, and what it imports from this package."""

    name: str
    path: Path
    tree: ast.Module
    definitions: dict[str, Definition] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, path: Path, tree: ast.Module) -> Module:
        """The module of a parsed file."""
        module = cls(name, path, tree)
        for node in tree.body:
            module._define(node)
        for found in ast.walk(tree):
            if isinstance(found, ast.ImportFrom) and found.module:
                for alias in found.names:
                    module.imports[alias.asname or alias.name] = (found.module, alias.name)
        return module

    def _define(self, node: ast.stmt) -> None:
        if isinstance(node, (Function, ast.ClassDef)):
            self.definitions[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            self.definitions[node.target.id] = node.value
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.definitions[target.id] = node.value

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """All calls in the file."""
        return tuple(_calls(self, self.tree, ()))


def _calls(module: Module, node: ast.AST, around: tuple[ast.AST, ...]) -> Iterator[Call]:
    if isinstance(node, ast.Call):
        yield Call(module, node, around)
    for child in ast.iter_child_nodes(node):
        yield from _calls(module, child, (*around, node))


@dataclass(frozen=True, eq=False)
class Source:
    """All modules of the package."""

    modules: dict[str, Module]

    @classmethod
    def read(cls) -> Source:
        """Parse the package that this file belongs to."""
        modules = {}
        for path in sorted(PACKAGE.rglob("*.py")):
            parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            modules[name] = Module.of(name, path, ast.parse(path.read_text(encoding="utf-8")))
        return cls(modules)

    def find(self, module: Module, name: str) -> tuple[Module, Definition] | None:
        """What a name of a module stands for, wherever in the package it is defined."""
        for _ in range(8):  # re-exports
            if name in module.definitions:
                return module, module.definitions[name]
            origin, name = module.imports.get(name, ("", name))
            if origin not in self.modules:
                return None
            module = self.modules[origin]
        return None

    def resolve(self, module: Module, node: ast.expr) -> tuple[Module, Definition] | None:
        """What a name, or the attribute of an imported module, stands for."""
        if isinstance(node, ast.Name):
            return self.find(module, node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in {"self", "cls"}:
                return self._method(module, node.attr)
            origin, name = module.imports.get(node.value.id, ("", ""))
            if (imported := self.modules.get(f"{origin}.{name}")) is not None:
                return self.find(imported, node.attr)
        return None

    def _method(self, module: Module, name: str) -> tuple[Module, Definition] | None:
        for node in module.definitions.values():
            if isinstance(node, ast.ClassDef):
                for member in node.body:
                    if isinstance(member, Function) and member.name == name:
                        return module, member
        return None

    def callers(self, function: Function) -> tuple[Call, ...]:
        """The calls of a function by its name, or as a method of the same file."""
        return self._callers.get(function, ())

    @cached_property
    def _callers(self) -> dict[ast.AST, tuple[Call, ...]]:
        found: dict[ast.AST, list[Call]] = defaultdict(list)
        for module in self.modules.values():
            for call in module.calls:
                if (target := self.resolve(module, call.node.func)) is not None:
                    found[target[1]].append(call)
        return {node: tuple(calls) for node, calls in found.items()}
