"""Rules as text, events as dictionaries: the small stage that the tests of routing play on."""

import json
from dataclasses import dataclass

from kzrules.language.compile import compile_program
from kzrules.language.declare import declare
from kzrules.language.parse import parse
from kzrules.message.action import Answered, Unanswered
from kzrules.message.delivery import Delivery, Source
from kzrules.message.identity import Identity
from kzrules.routing.book import Book
from kzrules.routing.tables import Tables
from kzrules.wire.properties import encode
from kzrules.words import WORDS

HEAD = """
subscribe events {
    exchange "events" { type: topic }
    queue "q" { durable: true }
    routing: ["#"]
}
"""
IDENTITY = Identity("host", "kzrules", "1.0", "abc")
NOW = 1000.0


@dataclass
class Stage:
    """A book with what a test asks of it."""

    book: Book

    def event(self, payload, *, exchange="events", key="a.b", subscription="events", now=NOW, **properties):
        source = Source(subscription, "q", "local", 7, 1)
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.book.decode(Delivery(source, 1, False, exchange, key, encode(**properties), body), now)

    def run(self, payload, now=NOW, **named):
        return self.book.run(self.event(payload, now=now, **named), now)

    def table(self, name, now=NOW):
        return {str(entry.key): entry.value for entry in self.book.tables[name].live(now)}


def stage(
    text, *, head=HEAD, words=WORDS, validators=None, instrument=False, overrides=None, path="rules.kzr"
):
    tree, findings = parse(head + text, path)
    assert [] == [finding for finding in findings if finding.is_error]
    declared = declare([tree], overrides or {}, "sip.example.com", words=words)
    assert () == declared.findings
    program = compile_program([tree], declared, words, instrument=instrument, texts={path: head + text})
    tables = Tables(declared.tables.values())
    ids = iter(f"id{number}" for number in range(1, 1000))
    return Stage(Book(program, declared, IDENTITY, tables, validators or {}, random_id=lambda: next(ids)))


def body_of(action):
    """A published object without what is filled into each."""
    ours = {"App-Name", "App-Version", "Node", "Msg-ID", "Server-ID"}
    return {key: value for key, value in json.loads(action.body).items() if key not in ours}


def answered(**payload):
    return Answered({key.replace("_", "-"): value for key, value in payload.items()})


def unanswered(why="timeout"):
    return Unanswered(why)
