"""Statements: assignments, branches, loops over what ends, leaving. `translate` asks for each block."""

from collections.abc import Iterator
from dataclasses import replace

from kzrules.convert import make
from kzrules.convert import nodes as n
from kzrules.convert.flow import Flow
from kzrules.convert.loops import Looping, over
from kzrules.convert.pieces import in_pieces, piece
from kzrules.convert.place import Place
from kzrules.convert.pseudo import Pseudo, whole
from kzrules.convert.uses import Key, bodies_of, steps_of
from kzrules.convert.variables import SHARED
from kzrules.convert.world import World, fresh
from kzrules.language import tree as t
from kzrules.language.checking.statement import block_leaves, leaves


class Statements(Looping):
    """Translates the statements of one block. `route`: it is called, and gives what `flow` says."""

    def __init__(self, world: World, *, payload: bool = True, flow: Flow | None = None) -> None:
        super().__init__(world, payload=payload)
        self.flow = flow
        self.set_here = {}
        self.pieces: set[Key] = set()
        self.flags: list[str | None] = []
        """What `break` sets, for each loop and switch around; None: nothing breaks there."""

    def whole(self, body: n.Body) -> t.Block:
        """A block with its end."""
        self.pieces = in_pieces(self, body)
        made = self.body(body)
        if self.flow is not None and (self.flow.gives or self.flow.code) and not block_leaves(made):
            end = self.given(make.TRUE)
            made = replace(made, statements=(*made.statements, end))
        return made

    def body(self, body: n.Body) -> t.Block:
        """The statements of a block; what stands behind its end was never reached."""
        outer, waiting = self.out, self.pending
        self.out, self.pending = [], []
        self.steps(body.steps)
        self.pending += body.inside
        made = make.block(self.out, tuple(self.pending))
        self.out, self.pending = outer, waiting
        return made

    def steps(self, steps: tuple[n.AnyStep, ...]) -> None:
        """Statements one after the other; behind one that may `break`, under a condition."""
        for at, step in enumerate(steps):
            self.step(step)
            if self.out and leaves(self.out[-1]):
                return
            flag = self.flags[-1] if self.flags else None
            if flag is not None and _breaks(step) and at + 1 < len(steps):
                outer, self.out = self.out, []
                self.steps(steps[at + 1 :])
                rest, self.out = self.out, outer
                if rest:
                    self.add(make.when(make.negate(make.name(flag)), make.block(rest)))
                return

    def step(self, step: n.AnyStep) -> None:
        """One statement, with the comments about it."""
        self.here = step.place
        self.world.steps += 1
        self.pending += step.before
        count = len(self.out)
        match step:
            case n.Set():
                self.set(step)
            case n.If():
                self.branch(step)
            case n.While():
                self.loop(step)
            case n.Switch():
                self.switch(step)
            case n.Do(call=call):
                self.act(call)
            case n.Leave():
                self.leave(step)
        if step.trailing and len(self.out) > count:
            last = self.out[-1]
            self.out[-1] = replace(last, comments=replace(last.comments, trailing=step.trailing))
        elif step.trailing:
            self.pending.append(step.trailing)

    # --- setting

    def set(self, step: n.Set) -> None:
        """`$var(x) = ...`, `$sht(t=>k) = ...`"""
        pseudo = whole(step.target.text)
        if pseudo is not None and pseudo.key is not None:
            self.set_variable(pseudo, step.value)
        elif pseudo is not None and pseudo.name in ("sht", "shtex", "shv"):
            self.set_entry(pseudo, step.value)
        else:
            self.gap("sip", f"`{step.target.text}` belongs to a SIP message, and an event has none")

    def set_variable(self, pseudo: Pseudo, node: n.Value) -> None:
        """A variable of rules."""
        key = pseudo.key
        if key is None or (key in self.pops and _is_null(node)):
            return
        name = self.world.name_of(key)
        value = piece(self, key, node) if key in self.pieces else self.value(node)
        if value is None:
            return
        self.world.learn(name, self.world.kind(value))
        self.set_here[name] = value
        if isinstance(value, t.Call) and value.name == "len":
            self.lengths[name] = value.arguments[0].value
        self.add(make.assign(name, value))

    def set_entry(self, pseudo: Pseudo, node: n.Value) -> None:
        """An entry of a table, or how long it lasts."""
        inner = pseudo.inner or ""
        if pseudo.name == "shv":
            value = self.value(node)
            self.world.used_tables.add(SHARED)
            self.world.learn(f"{SHARED}[]", self.world.kind(value))
            self.add(t.TableSet(SHARED, make.literal(inner), value, span=make.HERE))
            return
        entry = self.entry(inner)
        assert isinstance(entry.base, t.Name)  # noqa: S101  `entry` makes it so
        table = entry.base.id
        if pseudo.name == "shtex":
            self.lasts(table, entry, self.integer(node))
        elif _is_null(node):
            self.add(t.Delete(table, entry.key, span=make.HERE))
        else:
            value = self.value(node)
            self.world.learn(f"{table}[]", self.world.kind(value))
            self.add(t.TableSet(table, entry.key, value, span=make.HERE))

    def lasts(self, table: str, entry: t.Index, seconds: t.Expr) -> None:
        """`$shtex(t=>k) = n`: with the entry where it has just been set."""
        lasting: t.Expr = make.binary("*", seconds, make.duration(1000))
        if isinstance(seconds, t.Literal) and isinstance(seconds.value, int):
            lasting = make.duration(seconds.value * 1000)
        last = self.out[-1] if self.out else None
        if isinstance(last, t.TableSet) and (last.table, last.key, last.lasting) == (table, entry.key, None):
            self.out[-1] = replace(last, lasting=lasting)
        else:
            self.add(t.TableSet(table, entry.key, entry, lasting, span=make.HERE))

    # --- branches

    def branch(self, step: n.If) -> None:
        """`if`; one whose condition is known by now is only what follows from it."""
        condition = self.condition(step.condition)
        if isinstance(condition, t.Literal):
            self.certain(step, holds=bool(condition.value))
            return
        self.under_condition += 1
        then = self.body(step.then)
        more: list[tuple[t.Expr, t.Block]] = []
        otherwise = self.body(step.otherwise) if step.otherwise is not None else None
        self.under_condition -= 1
        while otherwise is not None and len(otherwise.statements) == 1 and not otherwise.comments.inside:
            inner = otherwise.statements[0]
            if not isinstance(inner, t.If) or inner.comments != t.NO_COMMENTS:
                break
            more += [(one.condition, one.body) for one in inner.branches]
            otherwise = inner.otherwise
        if otherwise is not None and not otherwise.statements and not otherwise.comments.inside:
            otherwise = None
        self.here = step.place
        self.add(make.when(condition, then, otherwise, *more))

    def certain(self, step: n.If, *, holds: bool) -> None:
        """A condition that always holds, or never."""
        way = step.then if holds else step.otherwise
        other = step.otherwise if holds else step.then
        if other is not None and other.steps and "kazoo_publish" in str(step.condition):
            reason = (
                "what followed a publish that failed is left out: it fails the event, which is tried again"
            )
            self.gap("publish result", reason, other.steps[0].place)
        if way is not None:
            self.steps(way.steps)
            self.pending += way.inside

    def switch(self, step: n.Switch) -> None:
        """`switch`: arms with all their values, and what they fall through to."""
        subject = self.value(step.subject)
        seen: set[str] = set()
        arms: list[tuple[list[t.Expr], t.Block]] = []
        otherwise: t.Block | None = None
        waiting: list[n.Value | None] = []
        for at, case in enumerate(step.cases):
            waiting.append(case.value)
            if not case.body.steps and at + 1 < len(step.cases):
                continue
            made = self.case(_falling(step.cases[at:]))
            if None in waiting:
                otherwise = made
            values = [one for node in waiting if node is not None for one in self.cases(subject, node)]
            values = [one for one in values if str(one) not in seen]
            seen |= {str(one) for one in values}
            if values and None not in waiting:
                arms.append((values, made))
            waiting = []
        if all(isinstance(one, t.Literal) for values, _ in arms for one in values):
            made_arms = tuple(t.Arm(tuple(values), body, span=make.HERE) for values, body in arms)
            self.add(t.Match(subject, made_arms, otherwise, span=make.HERE))
        elif arms:
            tests = [(make.among(subject, *values), body) for values, body in arms]
            self.add(make.when(tests[0][0], tests[0][1], otherwise, *tests[1:]))

    def cases(self, subject: t.Expr, node: n.Value) -> list[t.Expr]:
        """The values of a `case`; a number may come as text."""
        test = self._is(
            subject, self.world.kind(subject), getattr(node, "value", getattr(node, "text", None))
        )
        if not isinstance(node, n.Number | n.Text):
            return [self.value(node)]
        if isinstance(test, t.In) and isinstance(test.choices, t.ListExpr):
            return [one for one in test.choices.items if not isinstance(one, t.Spread)]
        return [test.right] if isinstance(test, t.Binary) else [self.value(node)]

    def case(self, body: n.Body) -> t.Block:
        """What a case does: its last `break` only ends it, others set a flag."""
        steps = body.steps
        if steps and isinstance(steps[-1], n.Leave) and steps[-1].word == "break":
            steps = steps[:-1]
        inner = n.Body(steps, body.inside)
        flag = None
        if any(map(_breaks, steps)):
            flag = self.flag("left")
            self.add(make.assign(flag, make.FALSE))
        self.flags.append(flag)
        made = self.body(inner)
        self.flags.pop()
        return made

    def flag(self, wanted: str) -> str:
        """A name for what `break` sets."""
        name = fresh(wanted, {*self.made_up, *self.world.tables, *self.world.variables()})
        self.made_up.add(name)
        return name

    # --- loops

    def loop(self, step: n.While) -> None:
        """A loop over what ends: a list by its index, values that are taken off one by one, a queue."""
        if over(self, step):
            return
        self.gap("loop", "what this loop runs over is not a list that rules know", step.place)
        lines = _source(step)
        self.pending += [place.quoted() for place in lines[1:]]

    def for_each(self, iterable: t.Expr, item: str, body: n.Body, only: t.Expr | None = None) -> None:
        """`for item in iterable`, `only` under a condition. A `break` sets a flag, and what is left is
        passed over.
        """
        flag = self.flag("stopped") if any(map(_breaks, body.steps)) else None
        if flag is not None:
            self.add(make.assign(flag, make.FALSE))
        self.flags.append(flag)
        made = self.body(body)
        self.flags.pop()
        for test in (only, make.negate(make.name(flag)) if flag is not None else None):
            if test is not None:
                made = make.block([make.when(test, made)])
        self.add(t.For((item,), self.known_list(iterable), made, span=make.HERE))

    # --- leaving

    def leave(self, step: n.Leave) -> None:
        """`return`, `exit`, `drop`, `break`"""
        if step.word == "break":
            flag = self.flags[-1] if self.flags else None
            if flag is None:
                self.gap("loop", f"`{step.word}` stands in no loop that was taken over")
            else:
                self.add(make.assign(flag, make.TRUE))
        elif step.word == "return" and self.flow is not None:
            number = _code(step.value)
            if number == 0:
                self.add(make.end())
            elif number is not None:
                self.add(self.given(make.literal(number > 0)))
            else:
                asked = make.binary(">", self.integer(step.value), make.literal(0)) if step.value else None
                self.add(self.given(asked or make.TRUE))
        else:
            self.add(make.end())

    def given(self, code: t.Expr) -> t.Return:
        """What a subroutine hands back: its answer, the variables that its callers read, or both."""
        flow = self.flow or Flow()
        gives = [self.world.name_of(key) for key in sorted(flow.gives)]
        if not gives:
            return make.give(code if flow.code else None)
        if len(gives) == 1 and not flow.code:
            return make.give(make.name(gives[0]))
        entries = [make.entry(make.literal(one), make.name(one)) for one in gives]
        if flow.code:
            entries.insert(0, make.entry(make.literal("ok"), code))
        return make.give(make.obj(entries))


def _code(value: n.Value | None) -> int | None:
    """The number that a `return` names; None when it is known only at run time."""
    match value:
        case None:
            return 1
        case n.Number(value=number):
            return number
        case n.Prefix(op="-", value=n.Number(value=number)):
            return -number
    return None


def _is_null(node: n.Value) -> bool:
    return isinstance(node, n.Variable) and node.text in ("$null", "$(null)")


def _breaks(step: n.AnyStep) -> bool:
    """Whether a `break` in a statement is one of the loop or switch around it."""
    match step:
        case n.Leave(word=word):
            return word == "break"
        case n.While() | n.Switch():
            return False
    return any(_breaks(one) for body in bodies_of(step) for one in body.steps)


def _falling(cases: tuple[n.Case, ...]) -> n.Body:
    """The statements of a case, and of those that it falls through to."""
    steps: list[n.AnyStep] = []
    for case in cases:
        steps += case.body.steps
        if steps and isinstance(steps[-1], n.Leave):
            break
    return n.Body(tuple(steps))


def _source(step: n.AnyStep) -> list[Place]:
    """The lines that a statement and all in it stand on."""

    def places() -> Iterator[Place]:
        yield step.place
        for body in bodies_of(step):
            yield from (one.place for one in steps_of(body))

    return list({(place.file, place.line): place for place in places()}.values())
