"""Everything that was picked, as rule files: blocks by the file that they come from, the declarations in
the first one.
"""

from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from kzrules.convert import declare, make, parameters
from kzrules.convert import nodes as n
from kzrules.convert.declare import Declared
from kzrules.convert.flow import Flow, Flows
from kzrules.convert.loops import queues
from kzrules.convert.pick import Picked
from kzrules.convert.place import Gap, Place, marked
from kzrules.convert.pseudo import whole
from kzrules.convert.scope import all_names, assigned, place_lets
from kzrules.convert.statements import Statements
from kzrules.convert.subscriptions import Asked, Subscriptions
from kzrules.convert.tidy import Piece, tidy
from kzrules.convert.uses import Key, calls_of, steps_of
from kzrules.convert.variables import SHARED
from kzrules.convert.world import INTEGER, TEXT, World, identifier
from kzrules.language import tree as t
from kzrules.language.format import format_file

ROUNDS = 6
"""Kinds of variables settle in two or three."""
FORK_EVENTS = (
    "connection-error", "connection-listener", "connection-zone", "amqp-error", "connection-message",
    "connection-available",
)  # fmt: skip


Declaring = t.EventRoute | t.Route | t.Every | t.OnExpired


@dataclass(slots=True)
class Body:
    """One block on its way: what declares it, where it comes from, its statements."""

    declare: Declaring
    place: Place
    piece: Piece
    leaks: tuple[Key, ...] = ()


@dataclass(slots=True)
class Translated:
    """What came of it: the texts by file name, and what the summary tells."""

    files: dict[str, str] = field(default_factory=dict)
    declared: Declared = field(default_factory=Declared)
    bodies: int = 0
    subroutines: int = 0
    timers: int = 0


class Translator:
    """Translates until the kinds of variables have settled."""

    def __init__(self, world: World, flows: Flows) -> None:
        self.world = world
        self.flows = flows
        self.asked: list[Asked] = []
        world.timeout = parameters.timeout(world.config)
        avp = whole(str(parameters.last(world.config, "amqp_query_timeout_avp") or ""))
        world.timeout_key = avp.key if avp is not None else None
        world.node = str(parameters.last(world.config, "node_hostname") or "")

    def bodies(self) -> list[Body]:
        """Every block, translated; the last round counts."""
        made: list[Body] = []
        for _ in range(ROUNDS):
            self.asked = []
            made = self._round()
            if not self.world.again():
                self.asked = []
                return self._round()
        return made

    def _round(self) -> list[Body]:
        picked = self.world.picked
        for name, info in self.world.tables.items():
            if info.first is not None:
                self.world.learn(f"{name}[]", INTEGER if isinstance(info.first, int) else TEXT)
        self.world.learn(f"{SHARED}[]", INTEGER)
        made = [self._start(picked)] if picked.start else []
        made += [self._event(block) for block in picked.events]
        made += [self._expired(table, block) for table, block in picked.expired]
        made += [self._timer(timer.milliseconds, timer.route) for timer in picked.timers]
        made += [self._drain(queue, *found) for queue, found in self.world.queues.items()]
        made += [self._route(name, block) for name, block in picked.routes.items()]
        return made

    # --- blocks

    def _statements(
        self, block: n.Block, flow: Flow | None = None, *, payload: bool = True, name: str = ""
    ) -> Statements:
        self.world.block = name or f"{block.place} {block.kind}"
        writer = Statements(self.world, payload=payload, flow=flow)
        writer.asked_for = self.asked
        answers = sum(call.name == "kazoo_publish" for call in calls_of(block.body))
        writer.many_replies = answers > 1 or flow is not None or _loops(block.body)
        return writer

    def _start(self, picked: Picked) -> Body:
        blocks = picked.start
        writer = self._statements(blocks[0], payload=False)
        whole_body = n.Body(
            tuple(step for block in blocks for step in block.body.steps), blocks[-1].body.inside
        )
        block = writer.whole(whole_body)
        route = t.EventRoute(blocks[0].name, None, None, make.block(()), make.HERE, span=make.HERE)
        return self._made(route, blocks[0], block)

    def _event(self, block: n.Block) -> Body:
        body = self._statements(block).whole(block.body)
        name = block.name.lower().replace("_", "-")
        notes: list[str] = []
        plain = name.removeprefix("kazoo:consumer-event-")
        if plain.startswith(FORK_EVENTS):
            why = "the service has no such event: only `connection-open` and `connection-closed`"
            self.world.gaps.append(Gap("event", why, block.place))
            notes = marked("event", why)
        route = t.EventRoute(name, None, None, make.block(()), make.HERE, span=make.HERE)
        return self._made(route, block, body, notes)

    def _expired(self, table: str, block: n.Block) -> Body:
        writer = self._statements(block, payload=False)
        writer.record = {"key": "gone", "value": "entry"}
        name = writer.table(table)
        self.world.learn("entry", self.world.known(f"{name}[]"))
        self.world.learn("gone", TEXT)
        body = writer.whole(block.body)
        made = self._made(t.OnExpired(name, "gone", "entry", make.block(()), span=make.HERE), block, body)
        made.piece.parameters, made.piece.keeps = ("gone", "entry"), True
        return made

    def _timer(self, milliseconds: int, block: n.Block) -> Body:
        for queue, loop in queues(block.body):
            self.world.queues[queue] = (loop.body, block)
        body = self._statements(block, payload=False).whole(block.body)
        return self._made(t.Every(make.duration(milliseconds), make.block(()), span=make.HERE), block, body)

    def _drain(self, queue: str, body: n.Body, block: n.Block) -> Body:
        writer = self._statements(replace(block, body=body), Flow(), payload=False, name=f"queue {queue}")
        writer.record = {"mqk": "item_key", "mqv": "item_value"}
        self.world.learn("item_key", TEXT)
        name = self.world.drains[queue]
        made = self._made(_route(name), replace(block, body=body, before=()), writer.whole(body))
        made.piece = Piece(made.piece.body, ("item_key", "item_value"), name, keeps=True)
        return made

    def _route(self, name: str, block: n.Block) -> Body:
        flow = self.flows.known[name]
        body = self._statements(block, flow, name=f"route {name}").whole(block.body)
        made = self._made(_route(self.world.route_of(name)), block, body)
        names = tuple(self.world.name_of(key) for key in sorted(flow.needs))
        made.piece = Piece(made.piece.body, names, self.world.route_of(name))
        return made

    def _made(self, node: Declaring, block: n.Block, body: t.Block, notes: list[str] | None = None) -> Body:
        called = isinstance(node, t.Route) and node.name not in self.world.drains.values()
        leaks = () if called else tuple(sorted(self.flows.leaks(block)))
        comments = t.Comments(before=(*block.before, *(notes or [])))
        return Body(replace(node, comments=comments), block.place, Piece(body), leaks)


def _route(name: str) -> t.Route:
    return t.Route(name, (), make.block(()), make.HERE, span=make.HERE)


def _loops(body: n.Body) -> bool:
    return any(isinstance(step, n.While) for step in steps_of(body))


# --- putting together


def translate(world: World, flows: Flows, main: str) -> Translated:
    """The rule files of a configuration whose first file is `main`."""
    translator = Translator(world, flows)
    for timer in world.picked.timers:
        for queue, _ in queues(timer.route.body):
            world.drains[queue] = f"take_{identifier(queue)}"
    bodies = _settled(translator.bodies(), world)
    made = Translated()
    made.declared = _declared(world, translator.asked, bodies)
    by_file: dict[str, list[t.Declaration]] = {main: []}
    for body in bodies:
        by_file.setdefault(body.place.file, []).append(body.declare)
    names = _file_names(list(by_file))
    for source, declarations in by_file.items():
        tree = _file(source, declarations, made.declared if source == main else None, world)
        if source == main or declarations:
            made.files[names[source]] = format_file(tree)
    made.bodies = sum(isinstance(one.declare, t.EventRoute | t.OnExpired) for one in bodies)
    made.timers = sum(isinstance(one.declare, t.Every) for one in bodies)
    made.subroutines = sum(isinstance(one.declare, t.Route) for one in bodies)
    return made


def _settled(bodies: list[Body], world: World) -> list[Body]:
    """Without what nobody reads, and with variables that begin somewhere."""
    left = tidy([one.piece for one in bodies])
    kept: list[Body] = []
    by_name = {one.name: one for one in left if one.name}
    plain = iter(one for one in left if not one.name)
    for body in bodies:
        piece = by_name.get(body.piece.name) if body.piece.name else next(plain)
        if piece is None:
            continue
        done = _finished(body, piece, world)
        if done is not None:
            kept.append(done)
    return kept


def _finished(body: Body, piece: Piece, world: World) -> Body | None:
    """One declaration with its body; None for a start or a timer in which nothing is left."""
    given = set(piece.parameters)
    leaks = {world.name_of(key): key for key in body.leaks}
    names = (assigned(piece.body) | (set(leaks) & set(all_names(piece.body)))) - given
    called = isinstance(body.declare, t.Route) and body.piece.name not in world.drains.values()
    block = piece.body if called else _without_end(piece.body)
    block = place_lets(block, sorted(names))
    comments = body.declare.comments
    for name, key in leaks.items():
        if name in set(all_names(block)):
            shown = f"${key[0]}({key[1]})" if key[0] != "kz" else "$kzR"
            why = f"`{shown}` is read before it is set: in Kamailio it held an earlier message's value"
            world.gaps.append(Gap("leak", why, body.place))
            comments = replace(comments, before=(*comments.before, *marked("leak", why)))
    if not block.statements and isinstance(body.declare, t.Every | t.OnExpired):
        return None
    if (
        not block.statements
        and isinstance(body.declare, t.EventRoute)
        and body.declare.name == "kazoo:mod-init"
    ):
        return None
    node = body.declare
    if isinstance(node, t.Route):
        node = replace(node, parameters=piece.parameters)
    return replace(body, declare=replace(node, body=block, comments=comments), piece=piece)


def _without_end(block: t.Block) -> t.Block:
    """An event is done at its end anyway."""
    end = block.statements[-1] if block.statements else None
    if isinstance(end, t.End) and end.kind == "done" and end.why is None and end.comments == t.NO_COMMENTS:
        return replace(block, statements=block.statements[:-1])
    return block


def _declared(world: World, asked: list[Asked], bodies: list[Body]) -> Declared:
    made = Declared(options=parameters.options(world.config))
    declare.broker(world, made)
    reader = Subscriptions(world)
    made.subscriptions = [read for one in asked if (read := reader.read(one)) is not None]
    trees = tuple(one.declare for one in bodies)
    tables = _table_names(trees, world)
    made.tables = declare.declare_tables(world, [name for name in (*world.tables, SHARED) if name in tables])
    used = {name for one in bodies for name in all_names(one.declare.body)}
    used |= {name for one in made.subscriptions for name in _names_in(one)}
    made.settings = [
        t.Setting(name, value, span=make.HERE) for name, value in world.used_settings.items() if name in used
    ]
    return made


def _table_names(node: object, world: World) -> set[str]:
    found: set[str] = set()
    if isinstance(node, tuple):
        for one in node:
            found |= _table_names(one, world)
    elif isinstance(node, t.Node):
        if isinstance(node, t.TableSet | t.Delete | t.DeleteWhere | t.OnExpired):
            found.add(node.table)
        if isinstance(node, t.Index) and isinstance(node.base, t.Name):
            found.add(node.base.id)
        for name in node.__dataclass_fields__:
            if name not in ("span", "comments", "name_span"):
                found |= _table_names(getattr(node, name), world)
    return found


def _names_in(node: object) -> set[str]:
    if isinstance(node, tuple):
        return {name for one in node for name in _names_in(one)}
    if not isinstance(node, t.Node):
        return set()
    own = {node.id} if isinstance(node, t.Name) else set()
    return own | {
        name
        for field_name in node.__dataclass_fields__
        if field_name not in ("span", "comments", "name_span")
        for name in _names_in(getattr(node, field_name))
    }


def _file_names(sources: list[str]) -> dict[str, str]:
    """A rule file for each configuration file, by its name."""
    taken: set[str] = set()
    made: dict[str, str] = {}
    for source in sources:
        stem = PurePosixPath(source).name.split(".")[0] or "kamailio"
        name, number = f"{stem}.kzr", 2
        while name in taken:
            name, number = f"{stem}-{number}.kzr", number + 1
        taken.add(name)
        made[source] = name
    return made


def _file(source: str, bodies: list[t.Declaration], declared: Declared | None, world: World) -> t.RuleFile:
    shown = PurePosixPath(source).name
    opening = f"# Converted from {shown}: read it over; what is marked `kz gap` has no counterpart here."
    first: list[t.Declaration] = [t.Language(1, span=make.HERE)]
    inside: tuple[str, ...] = ()
    if declared is not None:
        broker = [declared.broker] if declared.broker is not None else []
        first += [*declared.settings, *broker, *declared.subscriptions, *declared.tables]
        inside = _staying(world)
    first[0] = replace(first[0], comments=t.Comments(before=(opening, "")))
    return t.RuleFile(shown, (*first, *bodies), span=make.HERE, comments=t.Comments(inside=inside))


def _staying(world: World) -> tuple[str, ...]:
    if not world.picked.staying:
        return ()
    lines = ["", "# What stays in Kamailio, for it is about SIP requests:"]
    for one in world.picked.staying:
        block = one.block
        name = f"{block.kind}[{block.name}]" if block.name else block.kind
        lines.append(f"#   {block.place}: {name}: {', '.join(one.uses)}")
    return tuple(lines)
