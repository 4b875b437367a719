"""Formulas as they are printed in papers, evaluated on whole arrays: the text that is published is what is computed."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from aerodag.raster.kinds import Meaning

Floats = npt.NDArray[np.float32]
Operand = npt.NDArray[Any] | float

LETTERS = {
    "B": Meaning.BLUE,
    "G": Meaning.GREEN,
    "R": Meaning.RED,
    "E": Meaning.RED_EDGE,
    "N": Meaning.NIR,
}


def _ratio(top: Operand, bottom: Operand) -> Operand:
    # Every denominator of these formulas is a sum of light: where it is not positive, the pixel says nothing.
    return top / np.where(np.greater(bottom, 0), bottom, np.float32(np.nan))


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Operand]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _ratio,
    ast.Pow: operator.pow,
}


def needs(formula: str) -> tuple[Meaning, ...]:
    """The bands that a formula names, in the order of their wavelengths."""
    names = {node.id for node in ast.walk(_tree(formula)) if isinstance(node, ast.Name)}
    return tuple(meaning for letter, meaning in LETTERS.items() if letter in names)


def evaluate(formula: str, bands: Mapping[Meaning, Floats]) -> Floats:
    """Evaluate arithmetic over the letters B, G, R, E (red edge) and N (near infrared), in float32.

    NaN stays NaN; a denominator that is not positive, and zero or a negative number to a power, give NaN or an
    infinite value, which the caller's range check takes out.

    Raises:
        ValueError: The formula holds something else than numbers, these letters, + - * / ** and brackets.
        KeyError: A band it needs is not among ``bands``.
    """
    with np.errstate(all="ignore"):
        return np.asarray(_value(_tree(formula), bands), dtype=np.float32)


@cache
def _tree(formula: str) -> ast.expr:
    return ast.parse(formula, mode="eval").body


def _value(node: ast.expr, bands: Mapping[Meaning, Floats]) -> Operand:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=letter) if letter in LETTERS:
            return bands[LETTERS[letter]]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, bands)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _OPERATORS:
            return _OPERATORS[type(operation)](_value(left, bands), _value(right, bands))
    raise ValueError(f"not part of a formula: {ast.unparse(node)}")
