"""One canonical form for every rule file: `kzrules fmt` writes it. Comments stay where they stand,
and what the rules mean does not change.
"""

from collections.abc import Sequence
from typing import Any

from kzrules.language import tree as t
from kzrules.language.format_expression import STEP, WIDTH, bracketed, drawn, flat, forced, text


def format_file(tree: t.RuleFile) -> str:
    """Print a file."""
    pages = _Printer()
    pages.declarations(tree)
    return (
        "\n".join(line.rstrip() for line in "\n".join(pages.lines).split("\n")).strip("\n") + "\n"
        if pages.lines
        else ""
    )


class _Printer:
    """Lines as they are printed. What begins a line is printed with its comments."""

    def __init__(self, exchanges: set[int] | None = None) -> None:
        self.lines: list[str] = []
        self.exchanges: set[int] = set() if exchanges is None else exchanges

    def declarations(self, tree: t.RuleFile) -> None:
        """All declarations; a blank line parts those that have bodies from the others."""
        if tree.comments.opening:
            self.lines.append(tree.comments.opening)
        previous = None
        for node in tree.declarations:
            bodied = any(not isinstance(one, t.Setting | t.UseFile | t.Table) for one in (previous, node))
            kind_changes = type(previous) is not type(node)
            if previous is not None and (bodied or kind_changes) and node.comments.before[:1] != ("",):
                self.lines.append("")
            self.owned(node, "")
            previous = node
        self.comments(tree.comments.inside, "")

    def comments(self, texts: Sequence[str], indent: str) -> None:
        """Comments and blank lines; never two blank lines after each other."""
        for comment in texts:
            if comment or (self.lines and self.lines[-1]):
                self.lines.append(indent + comment if comment else "")

    def owned(self, node: Any, indent: str) -> None:
        """A declaration, setting, statement or step with its comments."""
        self.comments(node.comments.before, indent)
        printed = self.one(node, indent)
        if node.comments.trailing:
            printed += f"  {node.comments.trailing}"
        self.lines.append(indent + printed)

    def row(self, nodes: Sequence[Any], indent: str, inside: Sequence[str] = ()) -> str:
        """Nodes on lines of their own, as one text."""
        below = _Printer(self.exchanges)
        for node in nodes:
            below.owned(node, indent)
        below.comments(inside, indent)
        return "\n".join(below.lines)

    def one(self, node: Any, indent: str) -> str:
        """A declaration, a setting, a statement or a step, without its comments."""
        for kinds in (self.declaration, self.statement, self.step):
            printed = kinds(node, indent)
            if printed is not None:
                return printed
        return drawn(node, indent, len(indent))

    # --- declarations

    def declaration(self, node: Any, indent: str) -> str | None:  # noqa: PLR0911  one case for each kind
        """A declaration or a part of one."""
        match node:
            case t.Language(version=version):
                return f"language {version}"
            case t.UseFile(path=path):
                return f"use {text(path)}"
            case t.Setting(name=name, value=value):
                return self.led(f"setting {name} = ", value, indent)
            case t.Pair(name=name, value=value):
                return self.led(f"{name}: ", value, indent)
            case t.Broker():
                return f"broker {self.body((*node.zones, *node.urls, *node.settings), node, indent)}"
            case t.Zone():
                return self.zone(node, indent)
            case t.Subscribe(name=name):
                self.exchanges.add(id(node.exchange))
                parts = [part for part in (node.exchange, node.queue) if part is not None]
                return f"subscribe {name} {self.body((*parts, *node.settings), node, indent)}"
            case t.Target():
                return self.target(node, indent, "exchange" if id(node) in self.exchanges else "queue")
            case t.Kamailio(name=name, settings=settings):
                return f"kamailio {name} {self.body(settings, node, indent)}"
        return self.routes(node, indent)

    def routes(self, node: Any, indent: str) -> str | None:  # noqa: PLR0911  one case for each kind
        """Tables, and what has a block of statements."""
        match node:
            case t.Table(name=name, settings=settings):
                return f"table {name} {self.settings(settings, node, indent, len(name) + 7)}"
            case t.EventRoute():
                return self.event_route(node, indent)
            case t.Route(name=name, parameters=parameters, body=body):
                return f"route {name}({', '.join(parameters)}) {self.block(body, indent)}"
            case t.Every(interval=interval, body=body):
                return f"{self.led('every ', interval, indent)} {self.block(body, indent)}"
            case t.OnExpired(table=table, key=key, value=value, body=body):
                return f"on expired {table}({key}, {value}) {self.block(body, indent)}"
            case t.OnHook(name=name, parameters=parameters, body=body):
                return f"on {name}({', '.join(parameters)}) {self.block(body, indent)}"
            case t.Test(name=name, steps=steps):
                return f"test {text(name)} {self.body(steps, node, indent)}"
        return None

    def zone(self, node: t.Zone, indent: str) -> str:
        """The URLs of a zone, on one line where they fit."""
        line = (
            f"zone {node.name} {{ {' '.join(map(flat, node.urls))} }}"
            if node.urls
            else f"zone {node.name} {{}}"
        )
        if len(indent) + len(line) <= WIDTH and not any(map(forced, node.urls)) and not _commented(node):
            return line
        return f"zone {node.name} {self.body(node.urls, node, indent)}"

    def event_route(self, node: t.EventRoute, indent: str) -> str:
        """The header on one line where it fits, else `when` and the brace on lines of their own."""
        head = f"event_route[{node.name}]" + (
            f" schema {text(node.schema)}" if node.schema is not None else ""
        )
        block = self.block(node.body, indent)
        if node.when is None:
            return f"{head} {block}"
        line = f"{head} when {flat(node.when)} {{"
        if len(line) <= WIDTH and not forced(node.when):
            return f"{head} when {flat(node.when)} {block}"
        return f"{head}\n{self.led(STEP + 'when ', node.when, STEP)}\n{block}"

    def settings(self, pairs: Sequence[t.Pair], node: Any, indent: str, used: int) -> str:
        """Settings in braces: on one line where they fit."""
        line = ", ".join(flat_pair(pair) for pair in pairs)
        line = f"{{ {line} }}" if line else "{}"
        own = any(_owns(pair) for pair in pairs) or any(forced(pair.value) for pair in pairs)
        if not own and not _commented(node) and len(indent) + used + len(line) <= WIDTH:
            return line
        return self.body(pairs, node, indent)

    def body(self, nodes: Sequence[Any], node: Any, indent: str) -> str:
        """Braces with everything on a line of its own."""
        opening = f"  {node.comments.opening}" if node.comments.opening else ""
        if not nodes and not opening and not node.comments.inside:
            return "{}"
        inner = self.row(
            nodes if isinstance(node, t.Test) else _in_order(nodes), indent + STEP, node.comments.inside
        )
        return f"{{{opening}\n{inner}\n{indent}}}"

    def target(self, node: t.Target, indent: str, word: str) -> str:
        """`exchange` or `queue`, with its settings."""
        head = self.led(f"{word} ", node.name, indent)
        if not node.settings and not _commented(node):
            return head
        return f"{head} {self.settings(node.settings, node, indent, len(head) + 1)}"

    # --- statements

    def block(self, node: t.Block, indent: str) -> str:
        """A block of statements: on lines of their own, the short and single one beside its brace."""
        opening = f"  {node.comments.opening}" if node.comments.opening else ""
        if not node.statements and not opening and not node.comments.inside:
            return "{}"
        inner = self.row(node.statements, indent + STEP, node.comments.inside)
        return f"{{{opening}\n{inner}\n{indent}}}"

    def beside(self, head: str, node: t.Block, indent: str) -> str:
        """A head with its block: a block that its author wrote on one line stays there if it is short."""
        if len(node.statements) == 1 and not _commented(node) and node.span.line == node.span.end_line:
            only = node.statements[0]
            line = self.one(only, indent)
            short = not _owns(only) and not isinstance(only, t.If | t.Match | t.For | t.After)
            last = head.rsplit("\n", 1)[-1]
            if short and "\n" not in line and len(indent) + len(last) + len(line) + 5 <= WIDTH:
                return f"{head} {{ {line} }}"
        return f"{head} {self.block(node, indent)}"

    def led(self, lead: str, value: Any, indent: str, room: int = 0) -> str:
        """A value behind the words that lead to it."""
        return lead + drawn(value, indent, len(indent) + len(lead), room)

    def otherwise(self, node: t.Else | None, indent: str) -> str:
        """What runs if a word fails."""
        if node is None:
            return ""
        name = f" ({node.name})" if node.name else ""
        return " " + self.beside(f"else{name}", node.body, indent)

    def statement(self, node: Any, indent: str) -> str | None:  # noqa: C901, PLR0911  one case for each kind
        """A statement."""
        match node:
            case t.Let(name=name, value=value):
                return self.led(f"let {name} = ", value, indent, 6) + self.otherwise(node.otherwise, indent)
            case t.Assign(name=name, value=value):
                return self.led(f"{name} = ", value, indent) + self.otherwise(node.otherwise, indent)
            case t.TableSet(table=table, key=key):
                lasting = f" lasting {flat(node.lasting)}" if node.lasting is not None else ""
                head = f"{self.led(f'{table}[', key, indent)}] = "
                return (
                    self.led(head, node.value, indent, len(lasting))
                    + lasting
                    + self.otherwise(node.otherwise, indent)
                )
            case t.Delete(table=table, key=key):
                return f"{self.led(f'delete {table}[', key, indent)}]"
            case t.DeleteWhere(table=table, condition=condition):
                return self.led(f"delete {table} where ", condition, indent)
            case t.Emit(name=name, arguments=arguments):
                return f"emit {name}({', '.join(drawn(one, indent, len(indent)) for one in arguments)})"
            case t.Return(value=None):
                return "return"
            case t.Return(value=value):
                return self.led("return ", value, indent) + self.otherwise(node.otherwise, indent)
            case t.Use(value=value):
                return self.led("use ", value, indent)
            case t.End(kind=kind, why=why):
                return kind if why is None else f"{self.led(f'{kind}(', why, indent, 1)})"
            case t.Do(call=call):
                return drawn(call, indent, len(indent)) + self.otherwise(node.otherwise, indent)
        return self.branching(node, indent)

    def branching(self, node: Any, indent: str) -> str | None:
        """A statement that holds blocks."""
        match node:
            case t.After(delay=delay, name=name, body=body):
                return f"{self.led('after ', delay, indent)} as {name} {self.block(body, indent)}"
            case t.If():
                return self.branches(node, indent)
            case t.Match():
                return self.match(node, indent)
            case t.Arm(values=values, body=body):
                lead = ", ".join(drawn(value, indent, len(indent)) for value in values)
                return self.beside(f"{lead} =>", body, indent)
            case t.For(names=names, iterable=iterable, body=body):
                return self.beside(self.led(f"for {', '.join(names)} in ", iterable, indent, 2), body, indent)
        return None

    def branches(self, node: t.If, indent: str) -> str:
        """`if`, `else if` and `else`."""
        parts: list[str] = []
        for branch in node.branches:
            lead = self.led("else if " if parts else "if ", branch.condition, indent, 2)
            parts.append(self.beside(lead, branch.body, indent))
        if node.otherwise is not None:
            parts.append(self.beside("else", node.otherwise, indent))
        return " ".join(parts)

    def match(self, node: t.Match, indent: str) -> str:
        """The arms of a match on lines of their own."""
        inner = indent + STEP
        opening = f"  {node.comments.opening}" if node.comments.opening else ""
        rows = [row for row in (self.row(node.arms, inner),) if row]
        if node.otherwise is not None:
            rows.append(inner + self.beside("else =>", node.otherwise, inner))
        rows += [inner + comment if comment else "" for comment in node.comments.inside]
        body = "\n".join(rows)
        return f"{self.led('match ', node.subject, indent, 2)} {{{opening}\n{body}\n{indent}}}"

    # --- tests

    def step(self, node: Any, indent: str) -> str | None:  # noqa: PLR0911  one case for each kind
        """A step of a test."""
        match node:
            case t.GivenSetting(name=name, value=value):
                return self.led(f"given {name} = ", value, indent)
            case t.GivenTable(table=table, key=key):
                lasting = f" lasting {flat(node.lasting)}" if node.lasting is not None else ""
                head = f"{self.led(f'given {table}[', key, indent)}] = "
                return self.led(head, node.value, indent, len(lasting)) + lasting
            case t.GivenCall(call=call, answers=answers, fails=fails):
                word = "fails" if answers is None else "answers"
                said = fails if answers is None else answers
                return self.led(f"{self.led('given ', call, indent)} {word} ", said, indent)
            case t.EventStep():
                return self.event(node, indent)
            case t.PassTime(duration=duration):
                return self.led("pass ", duration, indent)
            case t.ExpectRoute(name=name):
                return "expect no route" if name is None else f"expect route {text(name)}"
            case t.ExpectCall(call=call, negated=negated):
                return self.led("expect not " if negated else "expect ", call, indent)
            case t.ExpectValue(condition=condition):
                return self.led("expect ", condition, indent)
            case t.ExpectEnd(kind=kind, why=why):
                head = f"expect {kind}"
                return head if why is None else f"{self.led(f'{head}(', why, indent, 1)})"
        return None

    def event(self, node: t.EventStep, indent: str) -> str:
        """An event, with what the broker says about it."""
        head = f"event on {node.subscription} " if node.subscription is not None else "event "
        if node.properties:
            inner = ", ".join(drawn(one, indent, len(indent)) for one in node.properties)
            if any(map(_owns, node.properties)) or len(indent) + len(head) + len(inner) > WIDTH - 4:
                head += bracketed("(", ") ", node.properties, node, indent)
            else:
                head += f"({inner}) "
        return self.led(head, node.payload, indent)


def flat_pair(pair: t.Pair) -> str:
    """A setting on one line."""
    return f"{pair.name}: {flat(pair.value)}"


def _in_order(nodes: Sequence[Any]) -> list[Any]:
    """As the author put them."""
    return sorted(nodes, key=lambda node: (node.span.line, node.span.column))


def _owns(node: Any) -> bool:
    return bool(node.comments.before or node.comments.trailing)


def _commented(node: Any) -> bool:
    return bool(node.comments.inside or node.comments.opening)
