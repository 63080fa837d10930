"""`presence_refresh_watchers`: let Kamailio tell the watchers of a presentity."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter
from kzrules.message.action import Remote
from kzrules.words.remote import asking


def presence_refresh_watchers(uri: Any, event: Any, kind: Any) -> Remote:
    """`presence.refreshWatchers`."""
    arguments = {"uri": uri, "event": event, "kind": kind}
    params = [uri, event, kind]
    return Remote("presence_refresh_watchers", arguments, "presence.refreshWatchers", params, lambda _: True)


WORD = asking(
    "presence_refresh_watchers",
    "Lets Kamailio send what it knows of a presentity to those who watch it, and gives true.",
    (
        Parameter("uri", TEXT, "the presentity"),
        Parameter("event", TEXT, "the package: dialog, presence, message-summary"),
        Parameter(
            "kind", frozenset({Kind.INTEGER}), "0: the authorization changed; 1: its state did", 1, named=True
        ),
    ),
    frozenset({Kind.TRUTH}),
    (Example('presence_refresh_watchers(.From, "dialog") else (why) { retry(why) }'),),
    presence_refresh_watchers,
)
