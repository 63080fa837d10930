"""Functions: kazoo's own and routes. What no file here knows is Kamailio's state, and becomes a gap."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from kzrules.convert import make
from kzrules.convert import nodes as n
from kzrules.convert.flow import Flow
from kzrules.convert.gaps import why
from kzrules.convert.log_calls import LOGS, LogCalls
from kzrules.convert.place import Gap, marked
from kzrules.convert.pseudo import Transformation, whole
from kzrules.convert.subscriptions import Asked
from kzrules.convert.table_calls import TableCalls
from kzrules.convert.uses import ANSWER, route_names
from kzrules.convert.world import OBJECT, TEXT, fresh
from kzrules.language import tree as t

TARGETED = make.literal("targeted")


class Calls(LogCalls, TableCalls):
    """Translates functions, as statements (`act`) and as conditions (`asked`)."""

    replies: int = 0

    def act(self, call: n.Call) -> None:
        """A function that stands alone."""
        known = _KNOWN.get(call.name)
        if known is not None:
            known(self, call)
        elif call.name in LOGS:
            self.log(call)
        else:
            self.gap(*why(call.name))

    def asked(self, call: n.Call) -> t.Expr:
        """A function whose answer counts."""
        known = _KNOWN.get(call.name)
        if call.name == "kazoo_json_keys":
            self.json_keys(call, asked=True)
            return make.TRUE
        if known is not None:
            answer = known(self, call)
            return answer if answer is not None else make.TRUE
        kind, reason = why(call.name)
        return make.binary("==", self.unknown(kind, reason), make.TRUE)

    # --- messages

    def payload_of(self, node: n.Value) -> t.Expr:
        """A message: an object, or a text that is read as one."""
        value = self.value(node)
        kind = self.world.kind(value)
        if kind != TEXT:
            return value
        self.gap("json text", "this message is put together as text, and read as JSON when it is sent")
        return make.call("parse_json", value)

    def key_of(self, node: n.Value) -> t.Expr:
        """An exchange or a routing key."""
        return self.text(node)

    def publish(self, call: n.Call) -> t.Expr | None:
        """`kazoo_publish(exchange, key, json [, headers])`"""
        exchange, key = self.key_of(call.argument(0)), self.key_of(call.argument(1))
        body = self.payload_of(call.argument(2))
        if self.payload and exchange == TARGETED and _is_server_id(key):
            self.replies += 1
            last = {"last": make.FALSE} if self.many_replies else {}
            self.add(make.do(make.call("reply", _without_message_id(body), **last)))
            return None
        named: dict[str, t.Expr] = {}
        if len(call.arguments) > 3:
            named |= self.fourth(call.arguments[3])
        named.setdefault("mandatory", make.FALSE)
        self.add(make.do(make.call("publish", exchange, key, body, **named)))
        return None

    many_replies: bool = False

    def fourth(self, node: n.Value) -> dict[str, t.Expr]:
        """Headers as `k=v;k=v`; 2048 of the other dialect: mandatory."""
        text = getattr(node, "text", "")
        if text.strip() == "2048":
            return {"mandatory": make.TRUE}
        made: list[t.Entry | t.Spread] = []
        for one in text.split(";"):
            name, sign, value = one.partition("=")
            if sign and name and "$" not in name:
                made.append(
                    make.entry(
                        make.literal(name), self.as_text(self.glued(self.holes(value.partition("=")[0])))
                    )
                )
        if not made:
            self.gap("headers", f"`{text}` cannot be read as headers")
            return {}
        return {"headers": make.obj(made)}

    def query(self, call: n.Call) -> t.Expr | None:
        """`kazoo_query(exchange, key, json [, dst])`: the answer, or null."""
        named = {"timeout": self.timeout()}
        asked = make.call(
            "query",
            self.key_of(call.argument(0)),
            self.key_of(call.argument(1)),
            self.payload_of(call.argument(2)),
            **named,
        )
        answer = self.world.name_of(ANSWER)
        null = t.Use(make.NULL, span=make.HERE)
        self.add(make.assign(answer, asked, t.Else(None, make.block([null]), span=make.HERE)))
        self.world.learn(answer, OBJECT)
        if (
            len(call.arguments) > 3
            and (target := whole(str(getattr(call.arguments[3], "text", ""))))
            and target.key
        ):
            name = self.world.name_of(target.key)
            self.add(make.assign(name, make.name(answer)))
            self.world.learn(name, OBJECT)
        return make.binary("!=", make.name(answer), make.NULL)

    def timeout(self) -> t.Expr:
        """How long a question waits: the variable that the module was told of, else its own setting."""
        key = self.world.timeout_key
        name = self.world.name_of(key) if key is not None else ""
        if name and name in self.set_here:
            value = self.set_here[name]
            if isinstance(value, t.Literal) and isinstance(value.value, int) and value.value > 0:
                return make.duration(value.value)
            return make.binary("*", self.as_integer(make.name(name)), make.duration(1))
        return make.duration(self.world.timeout)

    set_here: dict[str, t.Expr]

    def query_async(self, call: n.Call) -> t.Expr | None:
        """`kazoo_async_query(exchange, key, json, reply_route, error_route)`: both routes become
        subroutines, and the rule goes on by itself: no thread waits.
        """
        names = [str(getattr(call.argument(at), "text", "")) for at in (3, 4)]
        reply, error = f"onreply_route {names[0]}", f"failure_route {names[1]}"
        self.query(call)
        *_, asked = self.out
        assert isinstance(asked, t.Assign)  # noqa: S101  `query` has just added it
        self.out.pop()
        outer, self.out = self.out, []
        waiting, self.pending = self.pending, []
        if error in self.world.picked.routes:
            self.run(error)
        self.add(make.end())
        failed, self.out = self.out, outer
        self.pending = waiting
        self.add(replace(asked, otherwise=t.Else(None, make.block(failed), span=make.HERE)))
        if reply in self.world.picked.routes:
            self.run(reply)
        else:
            self.gap("route", f"there is no onreply_route `{names[0]}`")
        self.add(make.end())
        return None

    # --- json

    def set_target(self, node: n.Value, value: t.Expr) -> None:
        """A variable that an argument names."""
        target = whole(str(getattr(node, "text", "")))
        if target is None or target.key is None:
            self.gap("variable", f"`{getattr(node, 'text', '?')}` is no variable that rules can set")
            return
        name = self.world.name_of(target.key)
        self.world.learn(name, self.world.kind(value))
        self.add(make.assign(name, value))

    def json(self, call: n.Call) -> t.Expr | None:
        """`kazoo_json(json, path, dst)`"""
        self.set_target(call.argument(2), self.inside(call, "kz.json"))
        return None

    def json_keys(self, call: n.Call, *, asked: bool = False) -> t.Expr | None:
        """`kazoo_json_keys(json, path, dst)`: it always says yes."""
        if asked:
            self.world.note("`kazoo_json_keys` as a condition: it always says yes, there as here")
        value = self.inside(call, "kz.json")
        self.set_target(call.argument(2), make.call("keys", make.binary("??", value, make.obj(()))))
        return None

    def inside(self, call: n.Call, name: str) -> t.Expr:
        """What a path leads to in a JSON argument."""
        path = Transformation(name, str(getattr(call.argument(1), "text", "")))
        source = call.argument(0)
        pseudo = whole(str(getattr(source, "text", "")))
        if pseudo is not None and pseudo.name == "kzE" and not pseudo.transformations and self.payload:
            return self.path(None, path)
        return self.transformed(self.value(source), path)

    def encode(self, call: n.Call) -> t.Expr | None:
        """`kazoo_encode(text, dst)`"""
        self.set_target(call.argument(1), make.call("kz_encode", self.text(call.argument(0))))
        return None

    def subscribe(self, call: n.Call) -> t.Expr | None:
        """`kazoo_subscribe(...)`: a declaration, with the comments about it; `declare` reads it."""
        values = [self.value(one) for one in call.arguments]
        given = tuple(self.resolved(one) for one in values)
        before = tuple(self.pending)
        last = self.out[-1] if self.out else None
        if isinstance(last, t.Assign) and make.name(last.name) in values:  # made for this call alone
            before = (*last.comments.before, *before)
            self.out[-1] = replace(last, comments=replace(last.comments, before=()))
        if self.under_condition:
            before += tuple(marked("condition", "it was subscribed to only under a condition"))
            self.world.gaps.append(
                Gap("condition", "it was subscribed to only under a condition", call.place)
            )
        self.asked_for.append(Asked(given, before, call.place))
        self.pending = []
        return None

    asked_for: list[Asked]
    under_condition: int = 0

    def resolved(self, value: t.Expr) -> t.Expr:
        """A value with the variables in it as they were set before, for what is declared."""
        match value:
            case t.Name(id=name) if name in self.set_here:
                return self.resolved(self.set_here[name])
            case t.Template(parts=parts):
                return make.template([one if isinstance(one, str) else self.resolved(one) for one in parts])
            case t.ListExpr(items=items):
                return make.listed([self.resolved(one) for one in items if not isinstance(one, t.Spread)])
            case t.ObjectExpr(entries=entries):
                plain = (one for one in entries if isinstance(one, t.Entry))
                return make.obj(make.entry(one.key, self.resolved(one.value)) for one in plain)
            case t.Call(arguments=arguments):
                made = tuple(replace(one, value=self.resolved(one.value)) for one in arguments)
                return replace(value, arguments=made)
        return value

    # --- routes

    def routes(self, call: n.Call) -> t.Expr | None:
        """`route(X)`, `routes(PREFIX)`"""
        names = route_names(call, list(self.world.picked.routes))
        known = [name for name in names if name in self.world.picked.routes]
        if call.name == "route" and not known:
            dynamic = names and "$" in names[0]
            reason = (
                "its name is known only at run time" if dynamic else "there is no such route in what was read"
            )
            return make.binary(
                "==", self.unknown("route", f"`{names[0] if names else ''}`: {reason}"), make.TRUE
            )
        answer: t.Expr | None = None
        for name in known:
            answer = self.run(name)
        return answer

    def run(self, name: str) -> t.Expr | None:
        """Call a subroutine, and take over what it gives."""
        flow = self.world.flows.get(name, Flow())
        needed = [self.world.name_of(key) for key in sorted(flow.needs)]
        block = f"route {name}"
        for one in needed:
            self.world.learn(one, self.world.known(one), block)
        called = make.call(self.world.route_of(name), *(make.name(one) for one in needed))
        gives = [self.world.name_of(key) for key in sorted(flow.gives)]
        for one in gives:
            self.world.learn(one, self.world.known(one, block))
        if not gives and not flow.code:
            self.add(make.do(called))
            return None
        if not gives:
            return self.hoisted(called, "answered")
        if len(gives) == 1 and not flow.code:
            self.add(make.assign(gives[0], called))
            return None
        result = fresh("result", self.made_up)
        self.made_up.add(result)
        self.add(make.assign(result, called))
        for one in gives:
            self.add(make.assign(one, make.field(make.name(result), one)))
        return make.binary("==", make.field(make.name(result), "ok"), make.TRUE) if flow.code else None


def _is_server_id(key: t.Expr) -> bool:
    """Whether a routing key is the address of whoever asked."""
    field = make.field(None, "Server-ID")
    return key in (field, make.call("text", field), make.template([field]))


def _without_message_id(body: t.Expr) -> t.Expr:
    """`reply` carries the question's own id over."""
    if not isinstance(body, t.ObjectExpr):
        return body
    field = make.field(None, "Msg-ID")
    own = (field, make.template([field]))
    return make.obj(
        one
        for one in body.entries
        if not (isinstance(one, t.Entry) and one.key == make.literal("Msg-ID") and one.value in own)
    )


_KNOWN: Mapping[str, Callable[[Calls, n.Call], t.Expr | None]] = {
    "kazoo_publish": Calls.publish,
    "kazoo_query": Calls.query,
    "kazoo_async_query": Calls.query_async,
    "kazoo_query_async": Calls.query_async,
    "kazoo_json": Calls.json,
    "kazoo_json_keys": Calls.json_keys,
    "kazoo_encode": Calls.encode,
    "kazoo_subscribe": Calls.subscribe,
    "route": Calls.routes,
    "routes": Calls.routes,
    "sht_rm": Calls.forget,
    "sht_reset": Calls.forget_all,
    "sht_rm_name_re": Calls.forget_matching,
    "sht_rm_value_re": Calls.forget_matching,
    "sht_rm_name": Calls.forget_matching,
    "sht_rm_value": Calls.forget_matching,
    "sht_lock": Calls.nothing,
    "sht_unlock": Calls.nothing,
    "lock": Calls.nothing,
    "unlock": Calls.nothing,
    "mq_add": Calls.queue_add,
}
