"""The generated inputs of the differential: the same bytes go to the module and to our rules.

What would kill the module (see `differences`) is not generated; `faults` shows that apart.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from kzrules.routing.name import five_names

PREFIX = "kazoo:consumer-event"
ROUTES = (
    *(
        "presence-dialog-update",
        "presence-update",
        "presence",
        "presence-",
        "directory-reg-flush",
        "directory",
    ),
    *("nodes-advertise", "sms-outbound", "7-true", "7", "true", "-", "", "a-b-c", "a", "jwt-keys-reload"),
    *("type-kind", "type-x", "type", "call-kind", "call-new", "sort", "sort-event-name", "x-y"),
    *("q-w-e-r-t-y-u-i-o-p", "l" * 120 + "-" + "m" * 120, "null", "false-0"),
)
"""What follows the prefix in the routes that both parties define, besides the bare fallback."""
DEFINED = frozenset({PREFIX, *(f"{PREFIX}-{name}" for name in ROUTES)})
KEYS = {"plain": (None, None), "typed": ("Type", "Kind"), "sorted": ("Sort", None)}
"""The subscriptions' `event_key` and `event_subkey`, by the routing key that leads to them."""
LONGEST_NAME = 480
"""Bytes: the module writes names into 512, unchecked."""
_ALSO = ("encode-text", "json-path", "lax-json", "connection-open", "connection-closed")
"""Routes that Kamailio has besides."""
_LENGTHS = frozenset({*(len(name) for name in DEFINED), *(len(f"{PREFIX}-{name}") for name in _ALSO)})


@dataclass(frozen=True, slots=True)
class Case:
    """One event: its kind decides what is compared."""

    kind: str
    key: str
    body: bytes
    payload: dict[str, Any]


class Names:
    """Events whose names are found, or not, by each of the five steps."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def cases(self, many: int) -> Iterator[Case]:
        """As many as asked for."""
        made = 0
        while made < many:
            key = self._chance.choice(list(KEYS))
            payload = {"Case": made, **self._fields(key)}
            if self._is_clear(payload, key):
                yield Case("name", key, json.dumps(payload, ensure_ascii=False).encode(), payload)
                made += 1

    def _fields(self, key: str) -> dict[str, Any]:
        names = ("Event-Category", "Event-Name")
        category, name = KEYS[key][0] or names[0], KEYS[key][1] or names[1]
        given: dict[str, Any] = {}
        if self._chance.random() < 0.5:  # both from one route, so that the first steps are met too
            route = self._chance.choice([r for r in ROUTES if "-" in r])
            first, _, rest = route.partition("-") if self._chance.random() < 0.7 else _last(route)
            given = {category: self._disguised(first), name: self._disguised(rest)}
        else:
            given = {category: self._value(), name: self._value()}
        return {field: value for field, value in given.items() if value is not Ellipsis}

    def _disguised(self, text: str) -> Any:
        """The same name otherwise written, or as the number or truth that it looks like."""
        if text in {"7", "0"} and self._chance.random() < 0.5:
            return int(text)
        if text in {"true", "false"} and self._chance.random() < 0.5:
            return text == "true"
        return "".join(
            self._chance.choice("-_" if letter in "-_" else [letter, letter.upper()]) for letter in text
        )

    def _value(self) -> Any:
        pick = self._chance
        makers: list[Callable[[], Any]] = [
            lambda: ...,
            lambda: None,
            lambda: "",
            lambda: pick.randint(-9, 99999),
            lambda: pick.choice([True, False]),
            lambda: pick.choice([1.5, 0.25, -3.75]),
            lambda: {"a": [pick.randint(0, 9), {"b": None}], "c/d": "e"},
            lambda: [pick.randint(0, 9), "x", [], {}],
            lambda: self._text(pick.choice([1, 3, 8, 20, 90, 200])),
            lambda: pick.choice(
                [" ", "a b", "a.b", "jwt.keys", "a/b", "..", "-", "_", "ÄÖ", "Éa", "日本", "𝄞"]
            ),
            lambda: pick.choice(["presence", "Presence_Dialog", "DIRECTORY", "a_b"]),
            lambda: pick.choice(["presence\x00x", "7\x00"]),
        ]
        return pick.choice(makers)()

    def _text(self, length: int) -> str:
        letters = "abcxyzABCXYZ019_- ./:@#é"
        return "".join(self._chance.choice(letters) for _ in range(length))

    def _is_clear(self, payload: dict[str, Any], key: str) -> bool:
        """Whether the module's hidden routes cannot meet this case, nor its buffer for names."""
        for name in five_names(cut(payload), *KEYS[key]):
            if len(name.encode()) > LONGEST_NAME:
                return False
            if name not in DEFINED and len(name.encode()) in _LENGTHS:
                return False
            if name in DEFINED:
                return True
        return True


def cut(payload: dict[str, Any]) -> dict[str, Any]:
    """The fields as C reads them: a text ends at its first NUL."""
    return {
        name: value.partition("\x00")[0] if isinstance(value, str) else value
        for name, value in payload.items()
    }


def _last(route: str) -> tuple[str, str, str]:
    return route.rpartition("-")


class Segments:
    """Texts for a routing key."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def cases(self, many: int) -> Iterator[Case]:
        """As many as asked for."""
        for number in range(many):
            text = self._text()
            while not 0 < _encoded_length(text) <= 253 and not (text.isalnum() and text.isascii()):
                text = self._text()
            payload = {"Event-Category": "encode", "Event-Name": "text", "Case": number, "Input": text}
            yield Case("encode", "encode", json.dumps(payload).encode(), payload)

    def _text(self) -> str:
        pick = self._chance
        kinds = [
            "#", "*", "##", "#.*", "a.b.c", "sip:100@x.com", "a b", "a+b", "a%b", "100%", "é", "日本", "a*",
            "x" * 254, "y" * 300, "~-_", "\t\n\x7f", "\"'", "(x)!", "a/b", "\\",
        ]  # fmt: skip
        if pick.random() < 0.15:
            return pick.choice(kinds)
        letters = [chr(code) for code in range(1, 127)] if pick.random() < 0.9 else list("aé€𝄞.@ z")
        return "".join(pick.choice(letters) for _ in range(pick.choice([1, 2, 5, 12, 30, 60])))


def _encoded_length(text: str) -> int:
    safe = sum(c.isascii() and (c.isalnum() or c in "-~_ ") for c in text)
    return safe + 3 * (len(text.encode()) - safe)


class Paths:
    """Documents and paths that lead into them, or nowhere."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def cases(self, many: int) -> Iterator[Case]:
        """As many as asked for."""
        for number in range(many):
            document = {self._name(): self._value(3) for _ in range(self._chance.randint(1, 4))}
            head = {
                "Event-Category": "json",
                "Event-Name": "path",
                "Case": number,
                "Path": self._path(document),
            }
            payload = {**head, **document}
            yield Case("json", "json", self._written(payload), payload)

    def _name(self) -> str:
        return self._chance.choice(
            ["a", "b", "Media-Servers", "fs@a.com", "x y", "k.l.m", "é", "n/o", "Channels", "0", "_", "Ab"]
        )

    def _value(self, depth: int) -> Any:
        pick = self._chance
        if depth and pick.random() < 0.6:
            if pick.random() < 0.5:
                return [self._value(depth - 1) for _ in range(pick.randint(0, 3))]
            return {self._name(): self._value(depth - 1) for _ in range(pick.randint(0, 3))}
        return pick.choice(
            [
                *(None, True, False, "", "text", "with \"quotes\" and 'more'", "a/b", "line\nline", "日本 é"),
                *("nul\x00here", 0, -1, 42, 2**53 + 1, 2**62, 1.5, -0.25, Literal("1.10"), Literal("1e3")),
                *(Literal("12345678901234567890123"), "$var(x)", "{kz.json}", "\\", "x" * 500),
            ]
        )

    def _path(self, document: dict[str, Any]) -> str:
        """A walk into the document, in all the spellings that the module takes; now and then astray."""
        steps: list[str] = []
        held: Any = document
        for _ in range(self._chance.choice([1, 1, 2, 2, 3, 4])):
            if not isinstance(held, dict) or not held or self._chance.random() < 0.1:
                steps.append(self._chance.choice(["gone", "a", "b[0]", "Ab"]))
                held = None
                continue
            name = self._chance.choice(list(held))
            held = held[name]
            step = name.replace(".", "%")
            if self._chance.random() < (0.8 if isinstance(held, list) else 0.1):
                index = self._chance.choice(["0", "1", "2", "99", "-1", "", "x", "1x", " 1", "+1", "00"])
                step += f"[{index}" + self._chance.choice(["]", "]", "]", "", "][0]"])
                held = held[0] if isinstance(held, list) and held else held
            steps.append(step)
        return ".".join(steps) + self._chance.choice(["", "", "", "", "."])

    def _written(self, payload: dict[str, Any]) -> bytes:
        """As JSON, with each `Literal` as it is spelt."""
        spelt: dict[str, str] = {}

        def mark(value: Any) -> Any:
            match value:
                case Literal():
                    spelt[f"@@{len(spelt)}@@"] = value.text
                    return f"@@{len(spelt) - 1}@@"
                case dict():
                    return {name: mark(held) for name, held in value.items()}
                case list():
                    return [mark(held) for held in value]
            return value

        text = json.dumps(mark(payload))
        for name, literal in spelt.items():
            text = text.replace(f'"{name}"', literal)
        return text.encode()


@dataclass(frozen=True, slots=True)
class Literal:
    """A number with its own spelling."""

    text: str


class LaxJson:
    """Bodies that json-c reads and a strict reader refuses, and some that both refuse."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def cases(self, many: int) -> Iterator[Case]:
        """As many as asked for; `payload` holds what the sender meant."""
        for number in range(many):
            value = self._chance.choice(
                ["text", "it's", 'say "hi"', "", "a/b", "é", "\\", "//x", "/*y*/", "a,b"]
            )
            payload = {"Event-Category": "lax", "Event-Name": "json", "Case": number, "Value": value}
            yield Case("lax", "lax", self._spelt(payload), payload)

    def _spelt(self, payload: dict[str, Any]) -> bytes:
        pick = self._chance
        members = [
            f"{self._text(name)}{self._gap()}:{self._gap()}{self._item(value)}"
            for name, value in payload.items()
        ]
        more = [f'"Extra{n}":{self._gap()}{self._odd()}' for n in range(pick.randint(0, 3))]
        pick.shuffle(members)
        inner = f"{self._gap()},{self._gap()}".join([*members, *more])
        comma = pick.choice(["", "", ",", " , "])
        behind = pick.choice(["", "", " trailing words", "}", "{}", '{"Case": -1}', "\n", "]"])
        return f"{self._gap()}{{{inner}{comma}}}{behind}".encode()

    def _gap(self) -> str:
        return self._chance.choice(["", "", " ", "\n", "\t", "/* a comment */", "// to the end\n", "/**/ "])

    def _item(self, value: Any) -> str:
        return self._text(value) if isinstance(value, str) else str(value)

    def _text(self, text: str) -> str:
        quoted = json.dumps(text, ensure_ascii=self._chance.random() < 0.5)
        if self._chance.random() < 0.5:
            return quoted
        inner = quoted[1:-1].replace('\\"', '"').replace("'", "\\'")
        return f"'{inner}'"

    def _odd(self) -> str:
        return self._chance.choice(
            [
                *(
                    "1",
                    "-1",
                    "01",
                    "-007",
                    "1.50",
                    "0",
                    "true",
                    "True",
                    "TRUE",
                    "false",
                    "null",
                    "Null",
                    "NaN",
                    "[]",
                ),
                *("{}", "[1, 2,]", "{'a': 'b',}", "[ /* no */ ]", "['x', \"y\"]", '{"a": [{}, {},]}'),
            ]
        )
