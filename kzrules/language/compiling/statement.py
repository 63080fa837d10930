"""Statements to Python: one function for each route, subroutine, hook, timer and delayed block."""

import ast
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Any

from kzrules.language.compiling.call import Calls
from kzrules.language.compiling.python import Expression
from kzrules.language.compiling.python import Statement as PythonStatement
from kzrules.language.compiling.unit import SMALL, Unit, fixed, watch_name
from kzrules.language.compiling.value import PAYLOAD, RUN, Unfit, python_name
from kzrules.language.tree import (
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
    For,
    If,
    Let,
    Match,
    Node,
    Return,
    Statement,
    TableSet,
    Use,
    children,
)
from kzrules.language.word import Doing, Words
from kzrules.message.outcome import Place

Body = list[PythonStatement]
Store = Callable[[Expression], Body]
"""What is done with a value: kept in a variable, written to a table, returned, or dropped."""


class Part(Enum):
    """What a function is a part of: `done` returns from a whole one, and unwinds from the others."""

    EVENT = "event"
    """A whole run: an event route, a timer, an `after` block, an `on expired` block."""
    ROUTE = "route"
    HOOK = "hook"


class Function(Calls):
    """One function of a rule file."""

    def __init__(self, unit: Unit, part: Part, name: str) -> None:
        super().__init__(unit)
        self.part = part
        self.name = name
        self.repeated = part is not Part.EVENT
        self.assigned: frozenset[str] = frozenset()
        self.used: set[str] = set()
        self.use: Store = lambda _value: []

    def define(self, parameters: Sequence[str], body: Block) -> None:
        """Add the function `name(run, received, *parameters)` to the unit."""
        self.assigned = frozenset(assigned_in(body))
        old = self.py.at(body.span)
        names = [self.declare(name, 0) for name in parameters]
        start = [] if self.part is Part.EVENT else [self.py.do(self.run("spend", self.py.constant(1)))]
        made = start + self.block(body)
        self.unit.functions.append(self.py.define(self.name, [RUN, PAYLOAD, *names], made))
        self.py.where = old

    def declare(self, name: str, known: int) -> str:
        """A new variable of the innermost scope; gives its Python name."""
        python = self.fresh(name)
        self.scopes[-1][name] = (self.py.name(python), 0 if name in self.assigned else known)
        return python

    def fresh(self, name: str) -> str:
        """A Python name that no other variable of the function has: scopes of the language are blocks."""
        if name not in self.used:
            self.used.add(name)
            return name
        self.used.add(f"{name} {len(self.used)}")
        return f"{name} {len(self.used) - 1}"

    def block(self, block: Block) -> Body:
        """The statements of a block, in a scope of their own."""
        self.scopes.append({})
        made: Body = []
        for statement in block.statements:
            made.extend(self.statement(statement))
        self.scopes.pop()
        return made

    def statement(self, statement: Statement) -> Body:
        """One statement, standing at its own place."""
        old = self.py.at(statement.span)
        case = CASES.get(type(statement))
        if case is None:
            raise Unfit(f"{type(statement).__name__} is no statement of a rule")
        made: Body = case(self, statement)
        if self.unit.watched:
            number = self.py.constant(self.unit.watch(statement))
            made.insert(
                0,
                self.py.do(
                    self.py.call(self.py.name(watch_name(self.unit.number)), number, self.py.constant(None))
                ),
            )
        self.py.where = old
        return made

    # --- values that may fail

    def stored(self, expr: Expr, otherwise: Else | None, store: Store) -> Body:
        """Work out `expr` and store it; where it gets no answer, do what `else` says."""
        if otherwise is None:
            return store(self.plain(expr))
        if isinstance(expr, Call) and self.is_question(expr):
            return self._asked(expr, otherwise, store)
        caught = self._otherwise(otherwise, self.py.attribute(self.py.name("the why"), "why"), store)
        return [self.py.caught(store(self.plain(expr)), "Unanswerable", "the why", caught)]

    def _asked(self, expr: Call, otherwise: Else, store: Store) -> Body:
        py = self.py
        self.temporaries += 1
        answer = f"value {self.temporaries}"
        wait = py.assign(answer, py.wait(self.question(expr)))
        failed = self._otherwise(otherwise, py.attribute(py.name(answer), "why"), store)
        stored = store(py.attribute(py.name(answer), "payload"))
        return [wait, py.when(py.is_class(py.name(answer), "Unanswered"), failed, stored)]

    def _otherwise(self, otherwise: Else, why: Expression, store: Store) -> Body:
        self.scopes.append({})
        made: Body = []
        if otherwise.name is not None:
            made.append(self.py.assign(self.declare(otherwise.name, SMALL), why))
        outer, self.use = self.use, store
        made.extend(self.block(otherwise.body))
        self.use = outer
        self.scopes.pop()
        return made

    # --- the cases

    def _let(self, let: Let) -> Body:
        """The value is worked out before the name is known: it may read an outer one of that name."""
        python = self.fresh(let.name)
        if let.otherwise is None:
            value, known = self.value(let.value)
            made = [self.py.assign(python, value)]
        else:
            known = 0
            made = self.stored(let.value, let.otherwise, lambda value: [self.py.assign(python, value)])
        self.scopes[-1][let.name] = (self.py.name(python), 0 if let.name in self.assigned else known)
        return made

    def _assign(self, assign: Assign) -> Body:
        variable = self.look_up(assign.name)
        if variable is None:
            raise Unfit(f"{assign.name} is not known here")
        python = python_name(variable)
        return self.stored(assign.value, assign.otherwise, lambda value: [self.py.assign(python, value)])

    def _table_set(self, write: TableSet) -> Body:
        table = self.py.constant(write.table)

        def store(value: Expression) -> Body:
            lasting = self.py.constant(None) if write.lasting is None else self.plain(write.lasting)
            return [self.py.do(self.run("write", table, self.plain(write.key), value, lasting))]

        return self.stored(write.value, write.otherwise, store)

    def _delete(self, delete: Delete) -> Body:
        return [self.py.do(self.run("drop", self.py.constant(delete.table), self.plain(delete.key)))]

    def _delete_where(self, delete: DeleteWhere) -> Body:
        outer, self.repeated = self.repeated, True
        self.scopes.append({})
        names = [self.declare("key", 0), self.declare("value", 0)]
        test = self.py.function(names, self.condition(delete.condition))
        self.scopes.pop()
        self.repeated = outer
        weight = self.py.constant(weight_of(delete.condition))
        return [self.py.do(self.run("drop_where", self.py.constant(delete.table), test, weight))]

    def _emit(self, emit: Emit) -> Body:
        names = self.unit.around.hooks.get(emit.name, ())
        made: Body = []
        given: list[str] = []
        for argument in emit.arguments:
            self.temporaries += 1
            given.append(f"value {self.temporaries}")
            made.append(self.py.assign(given[-1], self.plain(argument)))
        for name in names:
            arguments = [self.py.name(one) for one in (RUN, PAYLOAD, *given)]
            call = self.py.call(self.py.name(name), *arguments)
            made.append(self.py.do(self.py.wait_within(call) if name in self.unit.around.waiting else call))
        return made

    def _after(self, after: After) -> Body:
        captured = {name: variable for scope in self.scopes for name, variable in scope.items()}
        name = f"after {after.name} line {after.span.line} in {self.name}"
        block = Function(self.unit, Part.EVENT, name)
        block.define(list(captured), after.body)
        row = self.py.row([self.py.name(python_name(variable)) for variable in captured.values()])
        plan = self.run(
            "after", self.plain(after.delay), self.py.constant(after.name), self.py.name(name), row
        )
        return [self.py.do(plan)]

    def _choose(self, choice: If) -> Body:
        otherwise = self.block(choice.otherwise) if choice.otherwise is not None else []
        for branch in reversed(choice.branches):
            old = self.py.at(branch.span)
            otherwise = [self.py.when(self.condition(branch.condition), self.block(branch.body), otherwise)]
            self.py.where = old
        return otherwise

    def _match(self, match: Match) -> Body:
        self.temporaries += 1
        subject = f"value {self.temporaries}"
        made = [self.py.assign(subject, self.plain(match.subject))]
        otherwise = self.block(match.otherwise) if match.otherwise is not None else []
        for arm in reversed(match.arms):
            old = self.py.at(arm.span)
            tests = [self._fits(subject, value) for value in arm.values]
            fits = tests[0] if len(tests) == 1 else self.py.any_of(*tests)
            otherwise = [self.py.when(fits, self.block(arm.body), otherwise)]
            self.py.where = old
        return made + otherwise

    def _fits(self, subject: str, value: Expr) -> Expression:
        known, constant = self.setting(value)
        if known and constant.__class__ is str:
            return self.py.compare(self.py.name(subject), ast.Eq(), self.py.constant(constant))
        return self.py.call("equal", self.py.name(subject), self.plain(value), self.budget())

    def _for(self, loop: For) -> Body:
        weight = self.py.constant(weight_of(loop.body))
        words = ("items_of", "pairs_of")
        source = words[len(loop.names) - 1]
        iterable = self.py.call(source, self.plain(loop.iterable), self.budget(), weight)
        known = SMALL if self._is_small(loop.iterable) else 0
        outer, self.repeated = self.repeated, True
        self.scopes.append({})
        names = [self.declare(name, known) for name in loop.names]
        body = self.block(loop.body)
        self.scopes.pop()
        self.repeated = outer
        return [self.py.each(names, iterable, body)]

    def _return(self, back: Return) -> Body:
        if self.part is not Part.ROUTE or back.value is None:
            return [self.py.give(self.py.constant(None))]
        return self.stored(back.value, back.otherwise, lambda value: [self.py.give(value)])

    def _use(self, use: Use) -> Body:
        return self.use(self.plain(use.value))

    def _end(self, end: End) -> Body:
        py = self.py
        if end.kind == "done" and end.why is None and self.part is Part.EVENT:
            return [py.give(py.constant(None))]
        why = py.constant("") if end.why is None else self.as_text(end.why)
        place = fixed(self.unit, py, Place(self.unit.path, end.span.line))
        outcome = py.call(f"end_{end.kind}", why, place)
        if self.part is Part.EVENT:
            return [py.give(outcome)]
        return [py.fail(py.call("RuleEnded", outcome))]

    def _do(self, do: Do) -> Body:
        made = self.stored(do.call, do.otherwise, lambda value: [self.py.do(value)])
        return made + self._answered(do) if ends_the_rule(do.call, self.unit.around.words) else made

    def _answered(self, do: Do) -> Body:
        """An answer is the end of the rule, from within a subroutine too."""
        if self.part is Part.EVENT:
            return [self.py.give(self.py.constant(None))]
        place = fixed(self.unit, self.py, Place(self.unit.path, do.span.line))
        return [
            self.py.fail(self.py.call("RuleEnded", self.py.call("end_done", self.py.constant(""), place)))
        ]


def ends_the_rule(call: Call, words: Words) -> bool:
    """`answer(...)`: nothing behind it runs."""
    word = words.get(call.name)
    return word is not None and word.doing is Doing.ANSWER


def weight_of(node: Node) -> int:
    """What one turn of a loop costs, in steps: about one for each node of the rule."""
    return 1 + sum(weight_of(child) for child in children(node))


def assigned_in(block: Block) -> Iterator[str]:
    """The variables that are given a second value somewhere in a block."""
    for statement in block.statements:
        if isinstance(statement, Assign):
            yield statement.name
        for inner in _blocks(statement):
            yield from assigned_in(inner)


def _blocks(statement: Statement) -> Iterator[Block]:
    match statement:
        case If(branches=branches, otherwise=otherwise):
            yield from (branch.body for branch in branches)
        case Match(arms=arms, otherwise=otherwise):
            yield from (arm.body for arm in arms)
        case For(body=body):
            yield body
            return
        case _:
            otherwise = getattr(statement, "otherwise", None)
            otherwise = None if otherwise is None else otherwise.body
    if otherwise is not None:
        yield otherwise


CASES: dict[type, Callable[[Any, Any], Body]] = {
    Let: lambda self, node: self._let(node),
    Assign: lambda self, node: self._assign(node),
    TableSet: lambda self, node: self._table_set(node),
    Delete: lambda self, node: self._delete(node),
    DeleteWhere: lambda self, node: self._delete_where(node),
    Emit: lambda self, node: self._emit(node),
    After: lambda self, node: self._after(node),
    If: lambda self, node: self._choose(node),
    Match: lambda self, node: self._match(node),
    For: lambda self, node: self._for(node),
    Return: lambda self, node: self._return(node),
    Use: lambda self, node: self._use(node),
    End: lambda self, node: self._end(node),
    Do: lambda self, node: self._do(node),
}
