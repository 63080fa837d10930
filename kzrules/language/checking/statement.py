"""One walk over the statements of a body: names, fallibility, what may stand where, what is never reached."""

from collections.abc import Callable, Iterator
from typing import Any

from kzrules.language import types
from kzrules.language.checking.conditions import proves
from kzrules.language.checking.expression import ExpressionChecks
from kzrules.language.checking.keys import key_kinds
from kzrules.language.checking.scope import NOTHING_TO_SETTLE, Place, Variable
from kzrules.language.findings.diagnostic import Edit, Fix
from kzrules.language.findings.nearest import counted, did_you_mean, nearest
from kzrules.language.findings.respell import respelt
from kzrules.language.findings.short import error, warning
from kzrules.language.tree import (
    NO_COMMENTS,
    After,
    Assign,
    Block,
    Call,
    Delete,
    DeleteWhere,
    Do,
    Else,
    Emit,
    End,
    Expr,
    Field,
    For,
    If,
    Let,
    Literal,
    Match,
    Name,
    Node,
    Return,
    Span,
    Statement,
    TableSet,
    Use,
    children,
)
from kzrules.language.types import Info
from kzrules.language.word import Doing, Kind

DURATION = frozenset({Kind.DURATION})


class StatementChecks(ExpressionChecks):
    """Walks statements."""

    def block(self, block: Block) -> None:
        """A block with a scope of its own."""
        self.scope.enter()
        self.statements(block)
        self.scope.leave()

    def statements(self, block: Block) -> None:
        """The statements of a block; what stands behind its end is never reached."""
        for number, statement in enumerate(block.statements):
            CASES[type(statement)](self, statement)
            if leaves(statement) and number + 1 < len(block.statements):
                later = block.statements[number + 1]
                text = "this is never reached: the statement before it leaves"
                self.findings.add(error("KZ404", text, later.span, help="take it away, or put it before"))
                for rest in block.statements[number + 1 :]:
                    CASES[type(rest)](self, rest)
                return

    # --- values

    def given(self, expr: Expr, otherwise: Else | None, *, used: bool = True) -> Info:
        """A value that may be asked for outside: then `else` says what if there is none."""
        fallible = isinstance(expr, Call) and self._is_fallible(expr)
        alone = isinstance(expr, Call) and (fallible or not used)
        info = self.called(expr) if alone and isinstance(expr, Call) else self.infer(expr)
        if fallible and isinstance(expr, Call) and otherwise is None:
            text = f"`{expr.name}` can fail, and nothing says what then"
            way_out = "write behind it: else (why) { retry(why) }"
            self.findings.add(error("KZ307", text, expr.name_span, help=way_out))
        if otherwise is not None:
            self._otherwise(otherwise, fallible=fallible, wants_value=used)
        return info

    def _is_fallible(self, expr: Call) -> bool:
        word = self.names.words.get(expr.name)
        return word is not None and word.fallible and expr.name not in self.names.subroutines

    def _otherwise(self, otherwise: Else, *, fallible: bool, wants_value: bool) -> None:
        if not fallible:
            text = "this cannot fail, so `else` is never reached"
            fix = Fix("take the `else` away", (Edit(otherwise.span, ""),), safe=_uncommented(otherwise))
            self.findings.add(warning("KZ311", text, otherwise.span, help="take the `else` away", fix=fix))
        self.scope.enter()
        if otherwise.name is not None:
            self.scope.set(otherwise.name, otherwise.span, Info(types.TEXT), "else")
        self.scope.answering += 1
        self.block(otherwise.body)
        self.scope.answering -= 1
        self.scope.leave()
        if wants_value and not block_leaves(otherwise.body):
            text = "this `else` falls through, and then there is no value to go on with"
            way_out = "end it in done, retry, reject, return, or in `use E`: the value in place of the answer"
            self.findings.add(error("KZ308", text, otherwise.span, help=way_out))
        elif not wants_value and fallible and not block_leaves(otherwise.body):
            text = "this `else` falls through, as if there had been an answer"
            way_out = "end it in `done`, `retry`, `reject` or `return`; `use null` goes on without an answer"
            self.findings.add(error("KZ308", text, otherwise.span, help=way_out))

    # --- statements

    def let(self, statement: Let) -> None:
        """`let x = E`"""
        self.next_line = statement.value if statement.value.span.line > statement.span.line else None
        info = self.given(statement.value, statement.otherwise)
        if statement.name in ("payload", "received", "meta", "node"):
            text = f"`{statement.name}` is always there and cannot be set"
            self.findings.add(error("KZ209", text, statement.span, help="take another name"))
            return
        if statement.name in self.names.settings or statement.name in self.names.tables:
            what = "setting" if statement.name in self.names.settings else "table"
            text = f"this `{statement.name}` hides the {what} of that name"
            self.findings.add(warning("KZ208", text, statement.span, help="take another name"))
        fix = Fix("take it away", (Edit(statement.span, ""),)) if _is_idle(statement) else None
        tell = "let" if self.gives(statement.value) else ""  # a value that there is not is told already
        self.scope.set(statement.name, statement.span, Info(info.kinds, info.shape), tell, fix)

    def assign(self, statement: Assign) -> None:
        """`x = E`"""
        self.given(statement.value, statement.otherwise)
        name = statement.name
        if self.scope.find(name) is not None:
            return
        if name in self.names.settings or name == "node":
            text, way_out = f"the setting `{name}` does not change while rules run", "remember it in a table"
            self.findings.add(error("KZ209", text, statement.span, help=way_out))
        elif name in self.names.tables:
            text, way_out = f"`{name}` is a table: a rule sets one entry of it", f"write `{name}[key] = ...`"
            self.findings.add(error("KZ209", text, statement.span, help=way_out))
        elif name in ("payload", "received", "meta"):
            text, way_out = f"`{name}` cannot be changed", "make a copy: let changed = payload with { ... }"
            self.findings.add(error("KZ209", text, statement.span, help=way_out))
        elif not self.maybe_declared(name):
            known = [variable for frame in self.scope.frames for variable in frame]
            way_out = did_you_mean(name, known, f"the first time it is `let {name} = ...`")
            fix = respelt(statement.span, name, known)
            text = f"nothing has set `{name}` before"
            self.findings.add(error("KZ201", text, statement.span, help=way_out, fix=fix))

    def table(self, name: str, span: Span, named: Span | None = None) -> None:
        """A table that is written, by name; the name begins where `named` does, if that is known."""
        if name in self.names.tables and self.scope.find(name) is None:
            self.names.used.add(name)
        elif self.scope.find(name) is not None:
            text = f"`{name}` is a variable: it is changed as a whole"
            way_out = f"write `{name} = {name} with {{ ... }}`, or declare a table"
            self.findings.add(error("KZ204", text, span, help=way_out))
        elif name in ("payload", "received", "meta"):
            way_out = f'make a copy: let changed = {name} with {{ "Name": ... }}'
            self.findings.add(error("KZ209", f"`{name}` cannot be changed", span, help=way_out))
        elif not self.maybe_declared(name):
            otherwise = f"declare it: table {name} {{ ttl: 1h, max: 100_000 }}"
            way_out = did_you_mean(name, self.names.tables, otherwise)
            self.names.used.add(nearest(name, self.names.tables) or name)
            fix = respelt(named, name, self.names.tables) if named else None
            self.findings.add(error("KZ204", f"there is no table `{name}`", span, help=way_out, fix=fix))

    def table_set(self, statement: TableSet) -> None:
        """`x[key] = E lasting D`"""
        self.table(statement.table, statement.span, statement.span)
        self.table_key(statement.key)
        self.given(statement.value, statement.otherwise)
        if statement.lasting is not None:
            self.expect(statement.lasting, DURATION, "what follows `lasting`")

    def delete(self, statement: Delete) -> None:
        """`delete x[key]`"""
        self.table(statement.table, statement.span)
        self.table_key(statement.key)

    def delete_where(self, statement: DeleteWhere) -> None:
        """`delete x where COND` reads `key` and `value` of each entry."""
        self.table(statement.table, statement.span)
        self.scope.enter()
        frame = self.scope.frames[-1]
        frame["key"] = Variable("key", statement.span, Info(key_kinds(self.names, statement.table)))
        frame["value"] = Variable("value", statement.span)
        outer, self.only_looks = self.only_looks, True
        self.condition(statement.condition)
        self.only_looks = outer
        self.scope.leave()

    def emit(self, statement: Emit) -> None:
        """`emit NAME(...)`"""
        for argument in statement.arguments:
            self.infer(argument)
        self.effects.emits.setdefault(statement.name, statement.span)
        self.names.emitted.add(statement.name)
        for hook in self.names.hooks.get(statement.name, ()):
            if len(hook.parameters) != len(statement.arguments):
                wanted = counted(len(hook.parameters), "argument")
                text = f"`on {statement.name}` takes {wanted}, and here are {len(statement.arguments)}"
                self.findings.add(error("KZ301", text, statement.span))
                return

    def after(self, statement: After) -> None:
        """`after D as NAME { }`: it runs later, and belongs to no event."""
        self.expect(statement.delay, DURATION, "what follows `after`")
        outer, self.scope.place = self.scope.place, Place.AFTER
        answering, self.scope.answering = self.scope.answering, 0
        self.block(statement.body)
        self.scope.place, self.scope.answering = outer, answering

    def if_statement(self, statement: If) -> None:
        """`if / else if / else`; what a condition has looked at is there behind it."""
        self.scope.enter()
        for branch in statement.branches:
            self.condition(branch.condition)
            self.scope.enter()
            self.scope.prove(proves(branch.condition, holds=True))
            self.block(branch.body)
            self.scope.leave()
            self.scope.prove(proves(branch.condition, holds=False))
        if statement.otherwise is not None:
            self.block(statement.otherwise)
        self.scope.leave()
        if statement.otherwise is None and all(block_leaves(branch.body) for branch in statement.branches):
            for branch in statement.branches:
                self.scope.prove(proves(branch.condition, holds=False))

    def match(self, statement: Match) -> None:
        """`match E { "a" => { } }`"""
        subject = self.infer(statement.subject)
        seen: list[Any] = []
        for arm in statement.arms:
            for value in arm.values:
                self.infer(value)
                self.impossible_value(subject.shape, value)
                if isinstance(value, Literal) and (type(value.value), value.value) in seen:
                    text = "an arm before this one takes that value already"
                    self.findings.add(error("KZ411", text, value.span, help="take it away"))
                elif isinstance(value, Literal):
                    seen.append((type(value.value), value.value))
            self.block(arm.body)
        if statement.otherwise is not None:
            self.block(statement.otherwise)

    def for_(self, statement: For) -> None:
        """`for v in list`, `for k, v in object`"""
        kind = Kind.LIST if len(statement.names) == 1 else Kind.OBJECT
        form = "`for v in`" if kind is Kind.LIST else "`for k, v in`"
        info = self.expect(statement.iterable, frozenset({kind}), f"what {form} runs over")
        self.scope.enter()
        items = info.shape.items if info.shape is not None else None
        if len(statement.names) == 1:
            self.scope.set(statement.names[0], statement.span, Info(None, items))
        else:
            self.scope.set(statement.names[0], statement.span, Info(types.TEXT))
            self.scope.set(statement.names[1], statement.span)
        self.block(statement.body)
        self.scope.leave()

    def return_(self, statement: Return) -> None:
        """`return E` in a subroutine."""
        if statement.value is not None:
            self.given(statement.value, statement.otherwise)
            self.effects.returns = True
        if self.scope.place is not Place.SUBROUTINE:
            text = f"`return` leaves a subroutine, and this is {self.scope.place.value}"
            fix = Fix("write `done`", (Edit(statement.span, "done"),), safe=statement.value is None)
            self.findings.add(error("KZ322", text, statement.span, help="write `done`", fix=fix))

    def use(self, statement: Use) -> None:
        """`use E` at the end of an `else` block."""
        self.infer(statement.value)
        if not self.scope.answering:
            text = "`use` stands only at the end of an `else` block behind a word that can fail"
            self.findings.add(error("KZ324", text, statement.span))

    def end(self, statement: End) -> None:
        """`done`, `retry`, `reject`"""
        if statement.why is not None:
            self.infer(statement.why)
        if statement.kind == "done":
            return
        if self.scope.place in NOTHING_TO_SETTLE:
            text = f"`{statement.kind}` settles an event, and {self.scope.place.value} has none"
            way_out = "log it and write `done`; or put off the work with `after`"
            self.findings.add(error("KZ501", text, statement.span, help=way_out))
            return
        found = self.effects.retries if statement.kind == "retry" else self.effects.rejects
        found.append(statement.span)

    def do(self, statement: Do) -> None:
        """A call that stands alone."""
        self.given(statement.call, statement.otherwise, used=False)
        word = self.names.words.get(statement.call.name)
        if (
            word is not None
            and word.doing is Doing.VALUE
            and statement.call.name not in self.names.subroutines
        ):
            text = f"`{word.name}` only gives a value, and nobody reads it"
            way_out = f"write `let x = {word.name}(...)`, or take it away"
            self.findings.add(warning("KZ320", text, statement.call.span, help=way_out))


def leaves(statement: Statement) -> bool:
    """Nothing behind this statement is ever reached."""
    match statement:
        case End() | Return() | Use() | Do(call=Call(name="answer")):
            return True
        case If(branches=branches, otherwise=Block() as otherwise):
            return block_leaves(otherwise) and all(block_leaves(branch.body) for branch in branches)
        case Match(arms=arms, otherwise=Block() as otherwise):
            return block_leaves(otherwise) and all(block_leaves(arm.body) for arm in arms)
    return False


def block_leaves(block: Block) -> bool:
    """The end of the block is never reached."""
    return any(leaves(statement) for statement in block.statements)


def blocks_of(statement: Statement) -> Iterator[Block]:
    """The blocks inside a statement."""
    match statement:
        case If(branches=branches, otherwise=otherwise):
            yield from (branch.body for branch in branches)
        case Match(arms=arms, otherwise=otherwise):
            yield from (arm.body for arm in arms)
        case For(body=body) | After(body=body):
            yield body
            return
        case _:
            behind = getattr(statement, "otherwise", None)
            otherwise = behind.body if behind is not None else None
    if otherwise is not None:
        yield otherwise


def every_statement(block: Block) -> Iterator[Statement]:
    """All statements of a body, those of inner blocks too."""
    for statement in block.statements:
        yield statement
        for inner in blocks_of(statement):
            yield from every_statement(inner)


CASES: dict[type, Callable[[Any, Any], None]] = {
    Let: lambda self, node: self.let(node),
    Assign: lambda self, node: self.assign(node),
    TableSet: lambda self, node: self.table_set(node),
    Delete: lambda self, node: self.delete(node),
    DeleteWhere: lambda self, node: self.delete_where(node),
    Emit: lambda self, node: self.emit(node),
    After: lambda self, node: self.after(node),
    If: lambda self, node: self.if_statement(node),
    Match: lambda self, node: self.match(node),
    For: lambda self, node: self.for_(node),
    Return: lambda self, node: self.return_(node),
    Use: lambda self, node: self.use(node),
    End: lambda self, node: self.end(node),
    Do: lambda self, node: self.do(node),
}


def _is_idle(statement: Let) -> bool:
    """A value that is only looked up: nothing fails, happens or is explained where it is left out."""
    value: Any = statement.value
    while isinstance(value, Field) and value.base is not None:
        value = value.base
    return isinstance(value, Literal | Name | Field) and _uncommented(statement)


def _uncommented(node: Node) -> bool:
    return node.comments == NO_COMMENTS and all(_uncommented(child) for child in children(node))
