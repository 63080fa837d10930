"""What a condition says about the payload when it holds, or when it does not: which places are there."""

from kzrules.language.tree import (
    Binary,
    Call,
    Expr,
    Field,
    In,
    Index,
    ListExpr,
    Literal,
    Matches,
    Name,
    Spread,
    Template,
    Unary,
)

NOTHING: frozenset[Expr] = frozenset()


def is_place(expr: Expr | None) -> bool:
    """A place of the payload: `.A`, `.A.b`, `.A[0]`, `payload.A`."""
    match expr:
        case None | Name(id="payload" | "received"):
            return True
        case Field(base=base):
            return is_place(base)
        case Index(base=base, key=Literal()):
            return is_place(base)
    return False


def proves(expr: Expr, *, holds: bool) -> frozenset[Expr]:
    """The places that cannot be null where the condition holds (or, `holds` false, where it does not)."""
    match expr:
        case Unary(op="not", operand=operand):
            return proves(operand, holds=not holds)
        case Binary(op="and" | "or" as op, left=left, right=right):
            one, other = proves(left, holds=holds), proves(right, holds=holds)
            return one | other if (op == "and") is holds else one & other
        case Binary(op="==" | "!=" as op, left=left, right=right):
            return _by_equality(left, right, equal=(op == "==") is holds)
        case Binary(op="<" | "<=" | ">" | ">=", left=left, right=right):
            return _places(left) | _places(right)
    return _looked_at(expr) if holds else NOTHING


def _looked_at(expr: Expr) -> frozenset[Expr]:
    match expr:
        case In(item=item, choices=ListExpr(items=choices)):
            never_null = all(not isinstance(choice, Spread) and _is_something(choice) for choice in choices)
            return _places(item) if never_null else NOTHING
        case Matches(subject=subject):
            return _places(subject)
        case Call(name="starts_with" | "ends_with" | "contains", arguments=arguments) if arguments:
            return _places(arguments[0].value)
        case Field() | Index():
            return _places(expr)
    return NOTHING


def _places(expr: Expr) -> frozenset[Expr]:
    return frozenset({expr}) if isinstance(expr, Field | Index) and is_place(expr) else NOTHING


def _by_equality(left: Expr, right: Expr, *, equal: bool) -> frozenset[Expr]:
    for place, value in ((left, right), (right, left)):
        if (equal and _is_something(value)) or (not equal and _is_null(value)):
            return _places(place)
    return NOTHING


def _is_something(expr: Expr) -> bool:
    return isinstance(expr, Template) or (isinstance(expr, Literal) and expr.value is not None)


def _is_null(expr: Expr) -> bool:
    return isinstance(expr, Literal) and expr.value is None
