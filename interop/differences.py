"""What kzrules does otherwise than the kazoo module, on purpose: one list for the page and the proof.

docs/generate.py writes it into docs/migrating.md, and the differential experiment explains every
difference that it finds by one of these, or fails.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """What the module does, what kzrules does, and why."""

    name: str
    module: str
    here: str
    why: str


NAME_SHADOW = Difference(
    "hidden routes",
    "An unknown name that was looked up hides, in that worker and until the next start, every route whose"
    " name has the same length and falls into the same of eight buckets.",
    "A defined route always runs.",
    "The module leaves a pointer to a buffer of the caller in Kamailio's table of routes.",
)
NAME_NUL = Difference(
    "a NUL in a name",
    "Ends the text: category `a\\u0000b` runs the route for `a`.",
    "Is a character like others; no route's name holds it.",
    "C's texts end there.",
)
NAME_LONG = Difference(
    "long names",
    "Names over 511 bytes are written beyond their buffer; Kamailio dies or goes on with broken memory.",
    "Names have no limit.",
    "A message from the bus must not bring the service down.",
)
OWN_NAMES = Difference(
    "names of the service's own events",
    "A payload `connection` / `open` from the bus runs the same route as the module's own event.",
    "`kazoo:mod-init` and `...-connection-open`, `-closed` are run by the service itself only.",
    "Otherwise whoever may publish could claim that a connection is lost.",
)
OWN_FALLBACK = Difference(
    "own events without a route",
    "A connection event goes through all five names, so a bare `kazoo:consumer-event` gets it too.",
    "It runs the route of its full name, or nothing.",
    "A fallback for the bus's events would fail on an event without delivery.",
)
ENCODE_HIGH = Difference(
    "`kz.encode` of bytes above 127",
    "Each gives `%` and two wrong characters (`é` gives `%,3%*9`).",
    "Percent and two hexadecimal digits for each byte of UTF-8 (`%C3%A9`).",
    "The module shifts a signed character.",
)
ENCODE_LONG = Difference(
    "`kz.encode` of long texts",
    "Stops when 255 bytes are out, one or two beyond its buffer where the last is encoded.",
    "`kz_encode` gives the whole; a routing key over 255 bytes fails the rule with its length.",
    "A cut key reaches the wrong queue.",
)
JSON_EMPTY = Difference(
    "empty steps in a path",
    "`.a` and `a..b` fail an assertion: the worker aborts, and Kamailio with it.",
    "A failure of the rule: the path has an empty step.",
    "A path may come from data.",
)
JSON_LONG = Difference(
    "long steps in a path",
    "A step of more than 249 characters overflows the stack.",
    "Steps have no limit.",
    "As above.",
)
JSON_TOP = Difference(
    "an index without a name",
    "`[0]` at the start reads stale memory.",
    "A failure of the rule: the path has an empty step. Payloads are objects.",
    "As above.",
)
JSON_FLOAT = Difference(
    "decimals as text",
    "A decimal keeps the digits that it came with (`1.10`, `1e3`).",
    "A decimal is a number: it is written in its shortest form (`1.1`, `1000.0`).",
    "Values are numbers in rules, not texts.",
)
JSON_INTEGER = Difference(
    "integers beyond 64 bits",
    "Become the nearest number of 64 bits.",
    "Stay exact.",
    "An identifier must come out as it came in.",
)
JSON_NUL = Difference(
    "a NUL in a text",
    "A text ends at its first NUL.",
    "The whole text.",
    "C's texts end there.",
)
JSON_CASE = Difference(
    "an object or list as text",
    "Lists and objects read as texts escape `/` as `\\/` in json-c's spaced form.",
    "The value itself; `json(value)` writes compact JSON.",
    "Values stay values; only route names and comparisons need the text.",
)
BODY_NOT_OBJECT = Difference(
    "payloads that are no object",
    "`[]` or `5` on a subscribed exchange aborts the consumer, and Kamailio with it.",
    "Rejected as unreadable: a dead letter where one is declared, else dropped and counted.",
    "A message from the bus must not bring the service down.",
)
BODY_LENIENT = Difference(
    "JSON that is not JSON",
    "Single quotes, comments, trailing commas and text behind the object are always accepted.",
    "Only with `json: lenient` in the subscription.",
    "Strict reading finds broken senders; real ones are still served when asked for.",
)
JSON_QUOTE = Difference(
    "an escaped single quote",
    "`'it\\'s'` is refused, and the event lost.",
    "Taken with `json: lenient`.",
    "Nothing else can be meant.",
)
SECOND_EXPANSION = Difference(
    "`$` in data",
    "`kazoo_publish(..., $var(payload))` expands the result once more: a `$name(...)` that came in with"
    " data is replaced by the variable, and an unknown one makes the call fail.",
    "Data is never expanded.",
    "It lets senders read Kamailio's variables.",
)
ACK = Difference(
    "when a delivery is acknowledged",
    "Before it is parsed, or not at all (`no_ack`): what is in hand is lost with the process.",
    "With `ack: after_processing` when everything that it caused is confirmed; `ack: immediate` is the"
    " module's way.",
    "Nothing is lost.",
)
PUBLISH = Difference(
    "what a publish means",
    "`1` when the frames were written to a socket; no confirm, transient, not mandatory.",
    "Confirmed, persistent and mandatory unless `publish` says otherwise; a message that no queue takes"
    " fails the event.",
    "Nothing is lost in silence. Write `mandatory: false` where nobody need listen.",
)
OWN_MSG_ID = Difference(
    "a query's own `Msg-ID`",
    "Is sent, but the answer is looked up by another id: the query always times out.",
    "Is the id of the question.",
    "The module makes up an id whatever the payload says.",
)
SERVER_ID_DIVERT = Difference(
    "a query's own `Server-ID`",
    "Is sent unchanged: the answer goes elsewhere, and the query times out.",
    "A query's `Server-ID` is always our own; `publish` sends what the rule says.",
    "A question wants its answer.",
)
QUICK = Difference(
    "answers faster than their registration",
    "A question is registered after it was sent: an answer that is quicker runs an event route, and the"
    " query times out.",
    "A question is registered before it is sent.",
    "No answer can be too quick.",
)
LATE = Difference(
    "late and second answers",
    "Run the event route of their names.",
    "Are counted; with `late_answers: event` in the `broker` block they run it.",
    "Hardly anybody writes routes for them, and a fallback would take them for events.",
)
AMQP_FIELDS = Difference(
    "`AMQP-...` fields that go out again",
    "Re-publishing `$kzE` sends `AMQP-Broker-Zone`, `AMQP-Received` and the `consumer://` in front of"
    " `Server-ID` along.",
    "They are taken out: they speak of one hop.",
    "An answer to a prefixed `Server-ID` goes nowhere.",
)
REPLY_QUEUE = Difference(
    "reply queues",
    "One a channel (`amqp_max_channels`), shared by all processes of a host.",
    "One exclusive queue a process, with a random part in its name.",
    "Two processes of one host never take each other's answers.",
)
BINDINGS = Difference(
    "`exchange-bindings`",
    "Only the first source is bound, and none without `routing`.",
    "`bindings:` binds all of them.",
    "A list link of the module is never set.",
)
CONSUMERS = Difference(
    "several brokers of one zone",
    "Consumes on all of them at once: with a queue that the broker names, two addresses of one cluster give"
    " each event twice.",
    "One broker of a zone at a time, in order of preference.",
    "Each event once.",
)

ALL = (
    *(NAME_SHADOW, NAME_NUL, NAME_LONG, OWN_NAMES, OWN_FALLBACK, ENCODE_HIGH, ENCODE_LONG),
    *(JSON_EMPTY, JSON_LONG, JSON_TOP, JSON_FLOAT, JSON_INTEGER, JSON_NUL, JSON_CASE),
    *(
        BODY_NOT_OBJECT,
        BODY_LENIENT,
        JSON_QUOTE,
        SECOND_EXPANSION,
        ACK,
        PUBLISH,
        OWN_MSG_ID,
        SERVER_ID_DIVERT,
        QUICK,
        LATE,
    ),
    *(AMQP_FIELDS, REPLY_QUEUE, BINDINGS, CONSUMERS),
)


def table() -> str:
    """The list as a table of the page."""
    rows = ["| what | the module | kzrules | why |", "|---|---|---|---|"]
    rows += [f"| {one.name} | {one.module} | {one.here} | {one.why} |" for one in ALL]
    return "\n".join(rows)
