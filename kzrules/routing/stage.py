"""Where a test plays: a book with tables of its own, a clock that only `pass` moves, given answers.

`trial` puts events onto it, and reads from the act what they did.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kzrules.errors import PayloadError, RuleFailure
from kzrules.language import tree
from kzrules.language.declare import Declared
from kzrules.language.program import KamailioSpec, Program, SubscriptionSpec
from kzrules.language.values import hashable, said, text
from kzrules.language.word import Words
from kzrules.message.action import After, Answer, Answered, Publish, Query, Question, Tell, Unanswered
from kzrules.message.delivery import Delivery, Source
from kzrules.message.event import Event
from kzrules.message.identity import Identity
from kzrules.message.outcome import Ack, Cause, Outcome, Reject, Retry
from kzrules.message.payload import dumps, loads
from kzrules.routing.act import Act, Did, done, logged, plain
from kzrules.routing.book import ASKED, PUBLISHED, Book, Validate, asked
from kzrules.routing.compare import shown
from kzrules.routing.decide import Ended, Step
from kzrules.routing.evaluate import Scope, bound, evaluate
from kzrules.routing.expect import fits
from kzrules.routing.name import Found
from kzrules.routing.run import Run
from kzrules.routing.tables import Tables
from kzrules.wire.properties import encode

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
"""What time it is where nobody says."""
MOST_DUE = 100_000
MOST_QUERIES = 10_000


class Unanswerable(RuleFailure):
    """A question that no `given` answers; the notes say what is given."""

    def __init__(self, question: Did, given: tuple[str, ...]) -> None:
        super().__init__(f"nothing answers {plain(question)}")
        self.notes = given or (
            f"write above its event: given {question.word}({_first(question)}) answers ...",
        )


@dataclass(slots=True)
class Promise:
    """One `given CALL answers` or `fails`."""

    word: str
    arguments: Mapping[str, Any]
    step: tree.GivenCall
    used: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as one subscription has it; `found` is None where its names cannot be made."""

    spec: SubscriptionSpec | KamailioSpec
    event: Event | Reject
    found: Found | None


class Stage:
    """One program under one set of settings, with its own tables and its own clock."""

    def __init__(
        self,
        program: Program,
        declared: Declared,
        validators: Mapping[tuple[str, str], Validate],
        words: Words,
        now: float | None,
    ) -> None:
        self.now = NOON if now is None else now
        tables = Tables(declared.tables.values())
        host = str(declared.settings.get("node", "localhost"))
        identity = Identity(host, "kzrules", "test", "test")
        self.book = Book(program, declared, identity, tables, validators, random_id=self._id)
        self.words = words
        run = Run(self.book.ground, {}, self.now, None, None)
        self.scope = Scope(declared.settings, frozenset(declared.tables), self._entry, words, run=run)
        self.promises: list[Promise] = []
        self.later: dict[str, tuple[float, Callable[[float], Any]]] = {}
        self.timers = {spec.name: self.now + spec.interval for spec in declared.timers}
        self.otherwise: Callable[[Did], Answer] | None = None
        """Answers a question that nothing given answers; without it, such a question fails the test."""
        self._ids = 0
        self._begun = False

    @classmethod
    def bare(cls, words: Words) -> Scope:
        """What the values of given settings can read: words, nothing else."""
        return Scope({}, frozenset(), lambda _table, _key: None, words)

    def _id(self) -> str:
        self._ids += 1
        return f"id-{self._ids}"

    def _entry(self, table: str, key: Any) -> Any:
        return self.book.tables[table].read(hashable(key), self.now)

    # --- what is given

    def remember(self, step: tree.GivenTable) -> None:
        """An entry of a table."""
        lasting = None if step.lasting is None else _seconds(evaluate(step.lasting, self.scope))
        key, value = evaluate(step.key, self.scope), evaluate(step.value, self.scope)
        self.book.tables[step.table].write(key, value, self.now, lasting)

    def promise(self, step: tree.GivenCall) -> None:
        """An answer, or how the question fails."""
        word = self.words[step.call.name]
        self.promises.append(Promise(word.name, bound(word, step.call, self.scope), step))

    def _promised(self, did: Did) -> Promise | None:
        """The first unused promise that fits; when all are used, the last one stays."""
        fitting = [one for one in self.promises if one.word == did.word and fits(one.arguments, did)]
        fresh = [one for one in fitting if not one.used]
        chosen = fresh[0] if fresh else fitting[-1] if fitting else None
        if chosen is not None:
            chosen.used = True
        return chosen

    # --- what happens

    def event(self, step: tree.EventStep, act: Act) -> None:
        """A delivery arrives."""
        self._begun = True
        body = evaluate(step.payload, self.scope)
        raw = body.encode() if isinstance(body, str) else dumps(body)
        given = {one.name or "": evaluate(one.value, self.scope) for one in step.properties}
        self.deliver(raw, given, act, step.subscription)

    def deliver(
        self, raw: bytes, given: Mapping[str, Any], act: Act, subscription: str | None = None
    ) -> None:
        """Hand a body to the subscription named, or to the first one that has a route for it."""
        arrival = self.arrive(raw, given, subscription)
        if isinstance(arrival.event, Reject):
            act.outcomes.append(arrival.event)
            return
        act.names = arrival.found.names if arrival.found is not None else ()
        ended = self.follow(self.book.run(arrival.event, self.now), act)
        act.route = ended.route
        if (
            isinstance(arrival.spec, SubscriptionSpec)
            and arrival.spec.immediate
            and isinstance(ended.outcome, Retry)
        ):
            raise RuleFailure("`ack: immediate` has settled the event, so it cannot be retried")

    def arrive(self, raw: bytes, given: Mapping[str, Any], subscription: str | None = None) -> Arrival:
        """The event as the subscription decodes it that is named, or the first one with a route for it."""
        specs = self.book.sources
        if not specs:
            raise RuleFailure("the rules have no `subscribe` and no `kamailio`, so no event can reach them")
        if subscription is not None and subscription not in specs:
            raise RuleFailure(f"there is no subscription {subscription}; there are {', '.join(specs)}")
        chosen = [specs[subscription]] if subscription else list(specs.values())
        tried = [Arrival(spec, *self._named(spec, raw, given)) for spec in chosen]
        return next((one for one in tried if one.found is not None and one.found.routes), tried[0])

    def _named(
        self, spec: SubscriptionSpec | KamailioSpec, raw: bytes, given: Mapping[str, Any]
    ) -> tuple[Event | Reject, Found | None]:
        """The event as this subscription decodes it, and its names; None where they cannot be made."""
        received_at = float(given.get("received_at", self.now))
        if isinstance(spec, KamailioSpec):
            event = question(spec, raw, given, received_at)
        else:
            event = self.book.decode(delivery(spec, raw, given), received_at)
        if isinstance(event, Reject):
            return event, None
        event.attempt = given.get("attempt", event.attempt)
        run = Run(self.book.ground, event.received, self.now, event, None)
        try:
            return event, self.book.names[spec.name].of(run)
        except Exception:  # noqa: BLE001  the run itself meets it again, and tells
            return event, None

    def pass_time(self, step: tree.PassTime, act: Act) -> None:
        """Move the clock; what falls due runs in the order of its time."""
        self.begin(act)
        self.advance(self.now + _seconds(evaluate(step.duration, self.scope)), lambda _: act)

    def begin(self, act: Act) -> None:
        """The service is ready: `kazoo:mod-init` runs, once."""
        if not self._begun:
            self._begun = True
            self.follow(self.book.run_own("kazoo:mod-init", {}, self.now), act)

    def advance(self, until: float, on: Callable[[str], Act]) -> None:
        """Move the clock to a time. `on` gives the act that what falls due (a timer, an `after` block,
        an expiry: it is told which) is noted in.
        """
        for _ in range(MOST_DUE):
            due = self._next_due()
            if due is None or due > until:
                self.now = max(until, self.now)
                return
            self.now = max(due, self.now)
            self._run_due(on)
        raise RuleFailure(f"more than {MOST_DUE:,} things fall due in this time")

    def _next_due(self) -> float | None:
        expiry = self.book.tables.next_expiry()
        times = [*self.timers.values(), *(at for at, _ in self.later.values())]
        return min(times if expiry is None else [*times, expiry], default=None)

    def _run_due(self, on: Callable[[str], Act]) -> None:
        for spec in self.book.timers:
            if self.timers[spec.name] <= self.now:
                self.timers[spec.name] += max(spec.interval, 0.001)
                every = f"every {shown(timedelta(seconds=spec.interval))}"
                self.follow(self.book.run_timer(spec.name, self.now), on(every))
        for name in [name for name, (at, _) in self.later.items() if at <= self.now]:
            _, start = self.later.pop(name)
            self.follow(start(self.now), on(f"after {name}"))
        for entry in self.book.tables.expire(self.now):
            step = self.book.run_expired(entry.table, entry.key, entry.value, self.now)
            if step is not None:
                self.follow(step, on(f"on expired {entry.table}"))

    def follow(self, step: Step | None, act: Act) -> Ended:
        """A rule to its end, with the answers that are given."""
        unroutable: str | None = None
        for _ in range(MOST_QUERIES):
            if step is None:
                return Ended(Ack(), (), (), None)
            unroutable = self._take(step, act) or unroutable
            if isinstance(step, Ended):
                act.outcomes.append(_settled(step.outcome, unroutable))
                return step
            question = done(step.query)
            act.did.append(question)
            step = step.resume(self._answer(step.query, question), self.now)
        raise RuleFailure(f"the rule asked more than {MOST_QUERIES:,} questions")

    def _take(self, step: Step, act: Act) -> str | None:
        """Note what a step does; how a publish of it fails, if a promise says so."""
        failing = None
        act.logs += [logged(line) for line in step.logs]
        for action in step.actions:
            did = done(action)
            act.did.append(did)
            if isinstance(action, After):
                self.later[action.name] = (self.now + action.delay, action.start)
            elif isinstance(action, Publish | Tell):
                promise = self._promised(did)
                if promise is not None and promise.step.fails is not None:
                    failing = text(evaluate(promise.step.fails, self.scope))
        return failing

    def _answer(self, query: Question, question: Did) -> Answer:
        promise = self._promised(question)
        if promise is None and self.otherwise is not None:
            return self.otherwise(question)
        if promise is None:
            raise Unanswerable(question, tuple(_said(one) for one in self.promises))
        if promise.step.answers is None:
            return Unanswered(text(evaluate(promise.step.fails, self.scope)))
        answer = evaluate(promise.step.answers, self.scope)
        if not isinstance(query, Query):
            return Answered(answer)
        if not isinstance(answer, dict):
            return Unanswered("bad_reply")
        return Answered({"Msg-ID": query.msg_id, **answer})


def question(spec: KamailioSpec, raw: bytes, given: Mapping[str, Any], received_at: float) -> Event | Reject:
    """What a Kamailio sends: a question, or with the exchange `publish` an event."""
    try:
        body = loads(raw)
    except PayloadError as wrong:
        return Reject(str(wrong), Cause.PAYLOAD)
    asks = given.get("exchange", ASKED) != PUBLISHED
    deadline = received_at + spec.deadline if asks else None
    return asked(spec.name, str(given.get("routing_key", "")), body, received_at, deadline)


def _first(question: Did) -> str:
    """The first argument of a question, as a test would name it."""
    return shown(next(iter(question.arguments.values()), None))


def delivery(spec: SubscriptionSpec, raw: bytes, given: Mapping[str, Any]) -> Delivery:
    """A delivery as the subscription's consumer would hand it over."""
    exchange = spec.exchange.name if spec.exchange is not None else ""
    pattern = spec.routing[0] if spec.routing else spec.queue.name
    source = Source(spec.name, spec.queue.name, str(given.get("zone", "local")), 1, 1)
    properties = encode(given.get("headers") or {}, **(given.get("properties") or {}))
    return Delivery(
        source,
        1,
        bool(given.get("redelivered", False)),
        str(given.get("exchange", exchange)),
        str(given.get("routing_key", pattern.replace("*", "test").replace("#", "test"))),
        properties,
        raw,
    )


def instant(value: Any) -> float:
    """A time as a test gives it: ISO 8601, or Unix seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            raise RuleFailure(f'`now` is "2026-11-23T10:00:00Z" or Unix seconds, not {value!r}') from None
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    raise RuleFailure(f"`now` is a text or Unix seconds, not {said(value)}")


def _seconds(value: Any) -> float:
    if isinstance(value, timedelta) and value >= timedelta():
        return value.total_seconds()
    raise RuleFailure(f"a duration is needed here, and this is {said(value)}")


def _settled(outcome: Outcome, unroutable: str | None) -> Outcome:
    """A message that stayed unroutable or unconfirmed fails the event, however the rule ended."""
    return Retry(unroutable) if unroutable and isinstance(outcome, Ack) else outcome


def _said(promise: Promise) -> str:
    return f"given  {Did(promise.word, promise.arguments)}"
