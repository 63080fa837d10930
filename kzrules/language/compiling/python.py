"""Python syntax for the compiler: nodes with the places of the rule file, built in one line each."""

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from kzrules.language.tree import Span

Expression = ast.expr
Statement = ast.stmt
LOAD = ast.Load()
STORE = ast.Store()


class Guarded(ast.IfExp):
    """A conditional whose first case is an integer: what is counted from it needs no second test."""


class _PutIn(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, Expression]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> Expression:
        return self.names[node.id]


class Python:
    """Builds nodes that all stand at one place of the rule file; `at` moves it."""

    def __init__(self) -> None:
        self.where: dict[str, Any] = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}

    def at(self, span: Span) -> dict[str, Any]:
        """Stand at `span` from now on; gives the old place, for `where`."""
        old = self.where
        self.where = {
            "lineno": span.line,
            "col_offset": span.column - 1,
            "end_lineno": span.end_line,
            "end_col_offset": span.end_column - 1,
        }
        return old

    # --- expressions

    def constant(self, value: Any) -> Expression:
        """What Python's compiler can hold: null, truth, number, text, tuple or frozen set of texts."""
        return ast.Constant(value, **self.where)

    def name(self, name: str) -> Expression:
        """Reads a variable."""
        return ast.Name(name, LOAD, **self.where)

    def attribute(self, base: Expression, name: str) -> Expression:
        """`base.name`"""
        return ast.Attribute(base, name, LOAD, **self.where)

    def helper(self, name: str) -> Expression:
        """A function or class of ours; the blank in its name keeps it apart from every variable of a rule."""
        return self.name(f"the {name}")

    def call(self, function: str | Expression, *arguments: Expression) -> Expression:
        """`function(*arguments)`; a text names a function of ours."""
        called = self.helper(function) if isinstance(function, str) else function
        return ast.Call(called, list(arguments), [], **self.where)

    def method(self, base: str, name: str, *arguments: Expression) -> Expression:
        """`base.name(*arguments)`"""
        return self.call(self.attribute(self.name(base), name), *arguments)

    def compare(self, left: Expression, operator: ast.cmpop, right: Expression) -> Expression:
        """`left operator right`"""
        return ast.Compare(left, [operator], [right], **self.where)

    def is_class(self, value: Expression, kind: str) -> Expression:
        """`value.__class__ is kind`: exact, and half the cost of isinstance."""
        return self.compare(self.attribute(value, "__class__"), ast.Is(), self.helper(kind))

    def keep(self, name: str, value: Expression) -> Expression:
        """`(name := value)`"""
        return ast.NamedExpr(ast.Name(name, STORE, **self.where), value, **self.where)

    def either(self, condition: Expression, then: Expression, otherwise: Expression) -> Expression:
        """`then if condition else otherwise`"""
        return ast.IfExp(condition, then, otherwise, **self.where)

    def guarded(self, test: Expression, fast: Expression, slow: Expression) -> Expression:
        """`fast if test else slow`, where the test shows that `fast` is an integer."""
        return Guarded(test, fast, slow, **self.where)

    def written(self, text: str, names: Mapping[str, Expression]) -> Expression:
        """An expression that is given as Python text, with `names` put in."""
        made = ast.parse(text, mode="eval").body
        for node in ast.walk(made):
            if isinstance(node, ast.expr):
                node.__dict__.update(self.where)
        return _PutIn(names).visit(made)  # type: ignore[no-any-return]  # a visitor gives any node

    def all_of(self, *values: Expression) -> Expression:
        """`a and b`"""
        return ast.BoolOp(ast.And(), list(values), **self.where)

    def any_of(self, *values: Expression) -> Expression:
        """`a or b`"""
        return ast.BoolOp(ast.Or(), list(values), **self.where)

    def negate(self, value: Expression) -> Expression:
        """`not value`"""
        return ast.UnaryOp(ast.Not(), value, **self.where)

    def text(self, parts: Sequence[str | Expression]) -> Expression:
        """An f-string."""
        values: list[Expression] = [
            self.constant(part) if isinstance(part, str) else ast.FormattedValue(part, -1, None, **self.where)
            for part in parts
        ]
        return ast.JoinedStr(values, **self.where)

    def list_of(self, items: Sequence[Expression]) -> Expression:
        """`[a, b]`"""
        return ast.List(list(items), LOAD, **self.where)

    def row(self, items: Sequence[Expression]) -> Expression:
        """`(a, b)`"""
        return ast.Tuple(list(items), LOAD, **self.where)

    def unpacked(self, value: Expression) -> Expression:
        """`*value`"""
        return ast.Starred(value, LOAD, **self.where)

    def object_of(self, keys: Sequence[Expression | None], values: Sequence[Expression]) -> Expression:
        """`{a: b, **c}`, where the key None spreads its value."""
        return ast.Dict(list(keys), list(values), **self.where)

    def function(self, parameters: Sequence[str], value: Expression) -> Expression:
        """`lambda parameters: value`"""
        return ast.Lambda(_arguments(parameters, self.where), value, **self.where)

    def wait(self, value: Expression) -> Expression:
        """`yield value`"""
        return ast.Yield(value, **self.where)

    def wait_within(self, value: Expression) -> Expression:
        """`yield from value`"""
        return ast.YieldFrom(value, **self.where)

    # --- statements

    def assign(self, name: str, value: Expression) -> Statement:
        """`name = value`"""
        return ast.Assign([ast.Name(name, STORE, **self.where)], value, **self.where)

    def do(self, value: Expression) -> Statement:
        """A call that stands alone."""
        return ast.Expr(value, **self.where)

    def give(self, value: Expression) -> Statement:
        """`return value`"""
        return ast.Return(value, **self.where)

    def fail(self, value: Expression) -> Statement:
        """`raise value`"""
        return ast.Raise(value, None, **self.where)

    def when(
        self, condition: Expression, then: list[Statement], otherwise: list[Statement] | None = None
    ) -> Statement:
        """`if condition: then else: otherwise`"""
        return ast.If(condition, then or [self.nothing()], otherwise or [], **self.where)

    def each(self, names: Sequence[str], iterable: Expression, body: list[Statement]) -> Statement:
        """`for names in iterable: body`"""
        targets: list[Expression] = [ast.Name(name, STORE, **self.where) for name in names]
        target = targets[0] if len(targets) == 1 else ast.Tuple(targets, STORE, **self.where)
        return ast.For(target, iterable, body or [self.nothing()], [], None, **self.where)

    def caught(self, body: list[Statement], kind: str, name: str, then: list[Statement]) -> Statement:
        """`try: body except kind as name: then`"""
        handler = ast.ExceptHandler(self.helper(kind), name, then or [self.nothing()], **self.where)
        return ast.Try(body, [handler], [], [], **self.where)

    def nothing(self) -> Statement:
        """`pass`"""
        return ast.Pass(**self.where)

    def define(self, name: str, parameters: Sequence[str], body: list[Statement]) -> Statement:
        """`def name(parameters): body`; the name may be any text, and stands in tracebacks."""
        made: dict[str, Any] = {
            "name": name,
            "args": _arguments(parameters, self.where),
            "body": body or [self.nothing()],
            "decorator_list": [],
            "returns": None,
            "type_params": [],  # Python 3.12 asks for it
            **self.where,
        }
        return ast.FunctionDef(**made)


def _arguments(parameters: Sequence[str], where: dict[str, Any]) -> ast.arguments:
    return ast.arguments(
        posonlyargs=[],
        args=[ast.arg(name, None, **where) for name in parameters],
        vararg=None,
        kwonlyargs=[],
        kw_defaults=[],
        kwarg=None,
        defaults=[],
    )
