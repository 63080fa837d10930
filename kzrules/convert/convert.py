"""One configuration to rule files and a summary: what `kzrules convert` calls. Writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kzrules.convert import declare, parameters
from kzrules.convert.flow import Flows
from kzrules.convert.nodes import Block, Config
from kzrules.convert.parser import parse
from kzrules.convert.pick import Picked, pick
from kzrules.convert.place import UnreadableError
from kzrules.convert.preprocess import Preprocessor, preprocess
from kzrules.convert.summary import Summary
from kzrules.convert.translate import Translated, translate
from kzrules.convert.uses import calls_of, route_names, texts_of
from kzrules.convert.world import World
from kzrules.errors import KzError

DIALECTS = ("auto", "stock", "2600hz")


class NothingToConvertError(KzError):
    """The configuration has neither event routes nor subscriptions of kazoo."""


@dataclass(frozen=True, slots=True)
class Converted:
    """Rule files by name, and the summary."""

    files: Mapping[str, str]
    summary: Summary


def convert(path: Path, given: Mapping[str, str] | None = None, dialect: str = "auto") -> Converted:
    """Convert a configuration. `given` are definitions, as `kamailio -A` takes them.

    Raises `UnreadableError` for what cannot be read, `NothingToConvertError` where there is no kazoo.
    """
    lines, reader = preprocess(path, given or {})
    config = parse(lines)
    picked = pick(config)
    if not picked.events and not picked.start:
        raise NothingToConvertError(_nothing(path, picked))
    flows = Flows(picked).run()
    world = World(config, picked, flows.known, reader.now.words, _is_fork(config, dialect))
    world.tables = declare.tables(config)
    _no_circle(picked)
    made = translate(world, flows, reader.files[0])
    return Converted(made.files, _summary(world, made, reader))


def _nothing(path: Path, picked: Picked) -> str:
    stays = (
        f"; {len(picked.staying)} blocks use kazoo for SIP requests, and stay there" if picked.staying else ""
    )
    return (
        f"{path}: there is no event_route[kazoo:...] in it or in what it includes{stays}. "
        "If a definition switches them on, give it with --define NAME"
    )


def _is_fork(config: Config, dialect: str) -> bool:
    """Whether the configuration is written for 2600hz's own Kamailio."""
    if dialect != "auto":
        return dialect == "2600hz"
    return any(_looks_like_fork(block) for block in config.blocks)


def _looks_like_fork(block: Block) -> bool:
    texts = list(texts_of(block.body))
    return "routes(" in texts or any(text in ("$knode", "$ki", "2048") for text in texts)


def _no_circle(picked: Picked) -> None:
    """Rules have no recursion: a route that calls itself is an error of the reader's own."""
    after = {
        name: {
            one
            for call in calls_of(block.body)
            for one in route_names(call, list(picked.routes))
            if one in picked.routes
        }
        for name, block in picked.routes.items()
    }

    def walk(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            circle = " -> ".join([*above[above.index(name) :], name])
            raise UnreadableError(
                f"these routes call each other in a circle: {circle}", picked.routes[name].place
            )
        for other in sorted(after[name]):
            walk(other, (*above, name))

    for name in sorted(after):
        walk(name, ())


def _summary(world: World, made: Translated, reader: Preprocessor) -> Summary:
    known = {*parameters.READ, *parameters.STARTED_WITH}
    names = dict.fromkeys(one.name for one in parameters.parameters(world.config, parameters.KAZOO))
    declared = made.declared
    return Summary(
        blocks=made.bodies,
        subroutines=made.subroutines,
        timers=made.timers,
        subscriptions=len(declared.subscriptions),
        tables=len(declared.tables),
        statements=world.steps,
        gaps=tuple(world.gaps),
        notes=tuple(sorted(world.notes.items())),
        stays=tuple(
            (_called(one.block), one.block.place, ", ".join(one.uses)) for one in world.picked.staying
        ),
        missing=tuple(reader.missing),
        options=tuple(declared.options.items()),
        passwords=declared.passwords,
        dead=tuple(name for name in names if name in parameters.DEAD),
        unread=tuple(name for name in names if name not in known and name not in parameters.DEAD),
        has_broker=declared.broker is not None,
    )


def _called(block: Block) -> str:
    return f"{block.kind}[{block.name}]" if block.name else block.kind
