"""The schemas that routes name: each read once, its mistakes told at the route, its facts as shapes."""

from kzrules.language import schema
from kzrules.language.checking.names import Names
from kzrules.language.findings.short import error
from kzrules.language.tree import EventRoute
from kzrules.language.types import Shape


def shapes(names: Names) -> dict[int, Shape]:
    """The shape of the payload by route (its `id`), for those whose schema can be read."""
    wanted = [route for route in names.routes if route.schema is not None]
    if not wanted:
        return {}
    found: dict[int, Shape] = {}
    read: dict[object, Shape | str] = {}
    for route in wanted:
        path = schema.path_of(route.span.file, route.schema or "")
        if path not in read:
            try:
                known = schema.load(path)
                schema.validator(known)
                read[path] = schema.shape(known)
            except schema.SchemaFault as fault:
                read[path] = str(fault)
        facts = read[path]
        if isinstance(facts, str):
            _tell(names, route, facts)
        else:
            found[id(route)] = facts
    return found


def _tell(names: Names, route: EventRoute, fault: str) -> None:
    text = f'the schema "{route.schema}" cannot be used: {fault}'
    way_out = "a schema's file is named relative to the rule file"
    names.findings.add(error("KZ409", text, route.name_span, help=way_out))
