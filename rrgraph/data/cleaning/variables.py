"""Amounts that are written as expressions of variables, such as `1-x` or `2 - del_O`.

They are evaluated exactly; only the four basic operations on numbers and named variables are allowed.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache

from rrgraph.errors import FormulaError

__all__ = ["evaluate", "variable_names"]

_OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_LONGEST = 100  # characters, which also limits the nesting


def evaluate(text: str, values: Mapping[str, Fraction]) -> Fraction:
    """Return the value of an arithmetic expression.

    Raises:
        FormulaError: the text is not such an expression, has a variable without a value, or divides by zero.
    """
    try:
        return _value(_parsed(text), text, values)
    except ZeroDivisionError:
        raise FormulaError(f"The amount '{text}' divides by zero.") from None


def variable_names(text: str) -> frozenset[str]:
    """Return the names of the variables in an expression.

    Raises:
        FormulaError: the text is not an expression.
    """
    return frozenset(node.id for node in ast.walk(_parsed(text)) if isinstance(node, ast.Name))


@lru_cache(maxsize=2**14)
def _parsed(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise FormulaError(f"The amount '{text[:20]}...' has {len(text)} characters, expected {_LONGEST} at most.")
    try:
        return ast.parse(text.strip().lstrip("+"), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FormulaError(f"The amount '{text}' is not an arithmetic expression.") from None


def _value(node: ast.expr, text: str, values: Mapping[str, Fraction]) -> Fraction:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return Fraction(str(number))
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.Name(id=name):
            raise FormulaError(f"The amount '{text}' has a variable '{name}' without a value.")
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, text, values)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _OPERATIONS:
            return _OPERATIONS[type(operation)](_value(left, text, values), _value(right, text, values))
    raise FormulaError(f"The amount '{text}' contains more than numbers, variables and + - * /.")
