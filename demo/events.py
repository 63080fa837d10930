"""Events as the applications of a Kazoo cluster send them, and a few that no one should send.

Endless and the same in every run: the numbers come from a generator with a fixed seed.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

REALMS = ("acme.example.com", "globex.example.com", "initech.example.com")
SWITCH = "freeswitch@fs1.example.com"


@dataclass(frozen=True, slots=True)
class Event:
    """One message to publish. `id` is its AMQP message_id, by which it is counted."""

    id: str
    kind: str
    exchange: str
    routing_key: str
    body: bytes


def stream(run: str) -> Iterator[Event]:
    """Events without end; `run` makes their ids differ from those of other runs."""
    chance = random.Random(5060)  # noqa: S311  a stream of examples, no secret
    kinds = [_dialog] * 11 + [_message_waiting] * 3 + [_registration] * 4 + [_advertisement] * 2
    number = 0
    while True:
        number += 1
        message_id = f"{run}-{number:06d}"
        if number % 25 == 0:
            yield _broken(message_id, number // 25)
        else:
            yield chance.choice(kinds)(message_id, chance)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where events of one name go, and what they are called."""

    exchange: str
    category: str
    name: str

    def event(self, message_id: str, key: str, fields: dict[str, Any]) -> Event:
        payload = {
            "Event-Category": self.category,
            "Event-Name": self.name,
            "App-Name": "ecallmgr",
            "App-Version": "5.4.0",
            "Node": SWITCH,
            "Msg-ID": message_id,
            **fields,
        }
        body = json.dumps(payload).encode()
        return Event(message_id, f"{self.category} {self.name}", self.exchange, key, body)


DIALOG = _Kind("kzdemo.presence", "presence", "dialog_update")
MESSAGE_WAITING = _Kind("kzdemo.presence", "presence", "mwi_update")
REGISTRATION = _Kind("kzdemo.registrar", "directory", "reg_success")
ADVERTISEMENT = _Kind("kzdemo.nodes", "nodes", "advertise")


def _segment(text: str) -> str:
    """A routing key's segment, as kazoo writes it: what parts segments is escaped."""
    return text.replace("%", "%25").replace(".", "%2E").replace(" ", "+")


def _user(chance: random.Random) -> tuple[str, str]:
    return str(chance.randint(1001, 1020)), chance.choice(REALMS)


def _dialog(message_id: str, chance: random.Random) -> Event:
    """A phone begins, answers or ends a call."""
    user, realm = _user(chance)
    call = f"{chance.getrandbits(48):012x}@10.0.0.{chance.randint(1, 9)}"
    fields = {
        "From": f"sip:{user}@{realm}",
        "From-User": user,
        "From-Realm": realm,
        "From-Tag": f"{chance.getrandbits(32):08x}",
        "To": f"sip:{chance.randint(1001, 1020)}@{realm}",
        "To-Tag": f"{chance.getrandbits(32):08x}",
        "State": chance.choice(["early", "confirmed", "terminated"]),
        "Direction": chance.choice(["initiator", "recipient"]),
        "Call-ID": call,
        "Presence-ID": f"{user}@{realm}",
        "Expires": 3600,
    }
    key = f"dialog.{_segment(user + '@' + realm)}.{_segment(call)}"
    return DIALOG.event(message_id, key, fields)


def _message_waiting(message_id: str, chance: random.Random) -> Event:
    """Somebody left a message, or listened to one."""
    user, realm = _user(chance)
    new = chance.randint(0, 4)
    fields = {
        "To": f"sip:{user}@{realm}",
        "Messages-Waiting": "yes" if new else "no",
        "Messages-New": new,
        "Messages-Saved": chance.randint(0, 9),
        "Message-Account": f"sip:{user}@{realm}",
    }
    key = f"mwi_updates.{_segment(user + '@' + realm)}"
    return MESSAGE_WAITING.event(message_id, key, fields)


def _registration(message_id: str, chance: random.Random) -> Event:
    """A phone registered."""
    user, realm = _user(chance)
    fields = {
        "Username": user,
        "Realm": realm,
        "Contact": f"sip:{user}@192.0.2.{chance.randint(1, 250)}:5060;transport=udp",
        "Expires": chance.choice([60, 300, 3600]),
        "User-Agent": chance.choice(["Yealink SIP-T46S", "Polycom VVX 410", "Grandstream GXP2170"]),
        "Call-ID": f"{chance.getrandbits(48):012x}",
        "Network-IP": f"192.0.2.{chance.randint(1, 250)}",
    }
    key = f"registration.success.{_segment(realm)}.{user}"
    return REGISTRATION.event(message_id, key, fields)


def _advertisement(message_id: str, chance: random.Random) -> Event:
    """A node says that it is there, and how busy it is."""
    host = f"apps{chance.randint(1, 3)}.example.com"
    fields = {
        "Node": f"kazoo_apps@{host}",
        "Expires": 15_000,
        "Used-Memory": chance.randint(200, 900) * 1_000_000,
        "Processes": chance.randint(2_000, 9_000),
        "WhApps": {"callflow": {"Startup": 63_900_000_000}, "registrar": {"Startup": 63_900_000_000}},
        "Roles": {},
    }
    return ADVERTISEMENT.event(message_id, "", fields)


def _broken(message_id: str, number: int) -> Event:
    """What should never have been sent: cut off, no object, or no JSON at all."""
    bodies = (
        b'{"Event-Category": "presence", "Event-Na',
        b'["presence", "dialog_update"]',
        b"\x00\xff not JSON",
    )
    key = f"dialog.broken.{message_id}"  # its body tells nobody who it is
    return Event(message_id, "broken", DIALOG.exchange, key, bodies[number % 3])
