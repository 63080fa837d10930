"""`dispatcher_reload`: read the dispatcher's destinations again."""

from kzrules.language.word import Example, Kind
from kzrules.message.action import Remote
from kzrules.words.remote import asking


def dispatcher_reload() -> Remote:
    """`dispatcher.reload`."""
    return Remote("dispatcher_reload", {}, "dispatcher.reload", [], lambda _: True)


WORD = asking(
    "dispatcher_reload",
    "Lets Kamailio's dispatcher read its destinations again, and gives true. Kamailio refuses within five "
    "seconds of the last change (`reload_delta`), and so it does for adding and taking away.",
    (),
    frozenset({Kind.TRUTH}),
    (Example('dispatcher_reload(timeout: 5s) else (why) { warn("not reloaded: {why}") done }'),),
    dispatcher_reload,
)
