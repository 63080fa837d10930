"""Random programs from a seed: trees that the checker would let pass, and payloads for them."""

from kzrules.language import tree as t

HERE = t.Span("r.kzr", 1, 1, 1, 2)
SETTINGS = {"node": "host", "limit": 2, "list": ["a", "b", "c", "d", "e"], "flag": True}
FIELDS = ["a", "b", "c"]
BINARY = ["or", "and", "==", "!=", "<", "<=", ">", ">=", "??", "+", "-", "*", "/", "%"]
PATTERNS = ["^a", "b$", "[0-9]+", "^x[0-9]*$", "(a|B)", "."]
SCALARS = [None, True, False, -1, 0, 1, 2, 0.0, 1.0, 2.5, 1e308, "", "a", "B", "ab", "x1"]


def node(kind, *values):
    return kind(*values, span=HERE)


def call(name, *given):
    return node(t.Call, name, tuple(node(t.Argument, None, value) for value in given), HERE)


class Programs:
    """Builds one random program; `subroutine`: whether expressions may call `sub`."""

    def __init__(self, rng, *, subroutine=True):
        self.rng = rng
        self.calls = ["lower", "len", *(["sub"] if subroutine else [])]

    def pick(self, choices):
        return self.rng.choice(list(choices))

    def several(self, make, least=0, most=3):
        return tuple(make() for _ in range(self.rng.randint(least, most)))

    def leaf(self, names):
        match self.rng.randint(0, 9):
            case 0 | 1 | 2:
                return node(t.Literal, self.pick(SCALARS))
            case 3:
                return node(t.DurationLiteral, self.pick([0, 1000, 90_000]))
            case 4 | 5 | 6:
                return node(t.Field, None, self.pick(FIELDS))
        return node(t.Name, self.pick([*names, *names, *SETTINGS, "received"]))

    def value(self, names, depth=2):
        if depth == 0 or self.rng.random() < 0.2:
            return self.leaf(names)
        make = self.pick(
            [
                self.binary,
                self.binary,
                self.binary,
                self.unary,
                self.field,
                self.place,
                self.entry,
                self.object,
                self.list,
                self.with_,
                self.in_,
                self.matches,
                self.either,
                self.template,
                self.call,
            ]
        )
        return make(lambda: self.value(names, depth - 1))

    def binary(self, inner):
        return node(t.Binary, self.pick(BINARY), inner(), inner())

    def unary(self, inner):
        return node(t.Unary, self.pick(["not", "-"]), inner())

    def field(self, inner):
        return node(t.Field, inner(), self.pick(FIELDS))

    def place(self, inner):
        return node(t.Index, self.pick([None, inner()]), inner())

    def entry(self, inner):
        return node(t.Index, node(t.Name, "tab"), inner())

    def object(self, inner):
        def part():
            if self.rng.random() < 0.3:
                return node(t.Spread, inner())
            return node(t.Entry, node(t.Literal, self.pick(FIELDS)), inner())

        return node(t.ObjectExpr, self.several(part))

    def list(self, inner):
        return node(
            t.ListExpr,
            self.several(lambda: node(t.Spread, inner()) if self.rng.random() < 0.2 else inner()),
        )

    def with_(self, inner):
        return node(t.With, inner(), self.object(inner))

    def in_(self, inner):
        if self.rng.random() < 0.5:
            texts = self.several(lambda: node(t.Literal, self.pick(["a", "b", "x1", "B", ""])), 1, 6)
            return node(t.In, inner(), node(t.ListExpr, texts))
        return node(t.In, inner(), inner())

    def matches(self, inner):
        return node(t.Matches, inner(), node(t.Regex, self.pick(PATTERNS)))

    def either(self, inner):
        return node(t.IfExpr, inner(), inner(), inner())

    def template(self, inner):
        return node(t.Template, self.several(lambda: self.pick(["p", "-", inner(), inner()])))

    def call(self, inner):
        return call(self.pick(self.calls), inner())

    def block(self, names=(), depth=2, loops=2):
        names, made, count = list(names), [], self.rng.randint(0, 4)
        while len(made) < count:
            made.append(self.statement(names, depth, loops))
        return node(t.Block, tuple(made))

    def statement(self, names, depth, loops):  # noqa: C901, PLR0911  a case for each statement
        kinds = ["let", "let", "do", "set", "delete", "end", "answer"] + (["assign"] if names else [])
        if depth:
            kinds += ["if", "if", "match"] + (["for", "pairs"] if loops else [])
        value = lambda: self.value(names)  # noqa: E731  drawn anew at each use
        inner = lambda more=(): self.block([*names, *more], depth - 1, loops - bool(more))  # noqa: E731  drawn anew at each use
        match self.pick(kinds):
            case "let":
                made = node(t.Let, self.pick(["u", "v", "text", "run", "equal"]), value())
                names.append(made.name)
                return made
            case "assign":
                return node(t.Assign, self.pick(names), value())
            case "set":
                return node(t.TableSet, "tab", value(), value())
            case "delete":
                return node(t.Delete, "tab", value())
            case "end" if self.rng.random() < 0.3:
                return node(t.End, self.pick(["done", "retry", "reject"]), self.pick([None, value()]))
            case "answer":
                return node(t.Do, call("answer", self.object(value)))
            case "if":
                branches = self.several(lambda: node(t.Branch, value(), inner()), 1, 2)
                return node(t.If, branches, self.pick([None, inner()]))
            case "match":
                arms = self.several(lambda: node(t.Arm, self.several(value, 1, 2), inner()), 1, 2)
                return node(t.Match, value(), arms, self.pick([None, inner()]))
            case "for":
                return node(t.For, ("i",), value(), inner(["i"]))
            case "pairs":
                return node(t.For, ("k", "w"), value(), inner(["k", "w"]))
        return node(t.Do, call("info", value()))

    def subroutine(self):
        return node(t.Block, (node(t.Return, self.value(["arg"])),))

    def payload(self):
        return {name: self.json(2) for name in FIELDS if self.rng.random() < 0.8}

    def json(self, depth):
        kind = self.rng.randint(0, 5)
        if depth and kind == 0:
            return [self.json(depth - 1) for _ in range(self.rng.randint(0, 3))]
        if depth and kind == 1:
            return {name: self.json(depth - 1) for name in FIELDS if self.rng.random() < 0.5}
        return self.pick(SCALARS)
