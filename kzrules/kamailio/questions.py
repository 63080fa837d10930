"""The questions and events of one Kamailio, from frame to answer. Called by `bridge`, on the reactor thread.

Everything is bounded: questions in hand (beyond it the answer is "busy" at once), events in hand,
and the time of each question. A tenth of what Kamailio grants is left for the way back, so that
"late" reaches a transaction that still lives.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kzrules.errors import KzError
from kzrules.kamailio import frames
from kzrules.kamailio.asked import InHand
from kzrules.kamailio.counts import Counts
from kzrules.kamailio.evapi import EvapiProtocol
from kzrules.kamailio.frames import BadFrame, Reason
from kzrules.kamailio.running import Came, Result, Resume, first_steps, next_steps
from kzrules.language.program import KamailioSpec
from kzrules.message.action import Action, After, Answer, Log, Publish, Question, Reply, Respond, Tell
from kzrules.message.outcome import Ack, Cause, Outcome, Reject
from kzrules.notices import Notices
from kzrules.routing.book import Book
from kzrules.routing.decide import Step, Waiting
from kzrules.wire.replies import Replies

SHARE = 0.9
"""Of a question's time that the rule may use."""


class Workers(Protocol):
    """The part of the worker pool that is needed here."""

    def submit(self, work: Any, receive: Callable[[list[Any]], object]) -> None:
        """Run `work` on a thread; what it gives comes to `receive` on the reactor thread, in lists."""


class Outside(Protocol):
    """Who does what rules ask for; see `broker.perform.Outside`."""

    @property
    def soon(self) -> "Callable[[Callable[[], object]], object] | None":
        """Call this when all answers that came together have been told; None: in the reactor's next turn."""

    def hold(self) -> object:
        """Several steps follow: what they publish and ask may wait for `release`, to go out together."""

    def release(self) -> object:
        """Write it."""

    def publish_all(self, messages: list[Publish], /) -> "Deferred[Any]":
        """Fires when every message is confirmed; fails with a KzError when one cannot be."""

    def reply(self, reply: Reply, /) -> "Deferred[Any] | None":
        """Fires when the answer to somebody on the bus is on its way."""

    def ask(self, question: Question, /) -> "Deferred[Answer]":
        """The answer; never fails."""

    def after(self, wanted: After, /) -> object:
        """Run a block later."""

    def log(self, line: Log, /) -> object:
        """Write a line."""

    def tell(self, told: Tell, /) -> "Deferred[Any]":
        """Fires when the event is on its way to Kamailio; fails with a KzError when it cannot be."""


class Questions:
    """What one Kamailio asks and hands over."""

    log = Logger()

    def __init__(
        self, spec: KamailioSpec, workers: Workers, outside: Outside, book: Callable[[], Book], clock: Any
    ) -> None:
        self._spec = spec
        self._workers = workers
        self._outside = outside
        self._book = book
        self._clock = clock
        self._notices = Notices(clock, self.log)
        self._open: Replies[InHand] = Replies(spec.questions)
        self._timer: Any = None
        self._due = 0.0
        self._answers: list[Resume] = []
        self._idle: list[Deferred[None]] = []
        self.stopping = False
        self.counts = Counts()
        self.questions = 0
        """Questions in hand, those whose rule still runs after its time included."""
        self.events = 0

    # --- from Kamailio

    def take(self, connection: EvapiProtocol, came: list[bytes]) -> None:
        """Frames of one read: one hop to a thread for all of them."""
        now = time.time()
        batch = [item for item in (self._read(connection, data, now) for data in came) if item is not None]
        if batch:
            self._plan()
            self._workers.submit(partial(first_steps, self._spec.name, self._book(), batch), self._perform)

    def _read(self, connection: EvapiProtocol, data: bytes, now: float) -> InHand | None:
        try:
            sent = frames.read(data)
        except BadFrame as wrong:
            self._bad(connection, wrong)
            return None
        if sent.id is None:
            return self._event(InHand(sent, connection, now))
        limit = self._spec.deadline if sent.limit is None else min(sent.limit, self._spec.deadline)
        item = InHand(sent, connection, now, until=now + limit * SHARE)
        self.counts.asked += 1
        reason = self._admit(item, sent.id, limit * SHARE)
        if reason is not None:
            self._refuse(item, *reason)
            return None
        self.questions += 1
        return item

    def _admit(self, item: InHand, answer_to: str, seconds: float) -> tuple[Reason, str] | None:
        """Why a question is not taken; None when it is."""
        if self.stopping:
            return Reason.STOPPING, "kzrules is about to stop"
        if self.questions >= self._spec.questions:
            return Reason.BUSY, f"{self.questions} questions are in hand already"
        try:
            self._open.ask(answer_to, item, self._clock.seconds() + seconds)
        except ValueError:
            return Reason.BAD_QUESTION, f"the transaction {answer_to} has asked already"
        return None

    def _event(self, item: InHand) -> InHand | None:
        if self.stopping or self.events >= self._spec.events:
            self.counts.dropped += 1
            self._say("full", f"{self._spec.events} events are in hand already; what comes is dropped")
            return None
        self.counts.events += 1
        self.events += 1
        return item

    def _bad(self, connection: EvapiProtocol, wrong: BadFrame) -> None:
        self.counts.bad_frames += 1
        self._say("frame", f"a frame that cannot be read: {wrong}")
        if wrong.id is not None:
            connection.write(frames.refusal(wrong.id, Reason.BAD_QUESTION, str(wrong)))

    def lost(self, connection: EvapiProtocol) -> None:
        """Whoever asked by this connection gets no answer by another: its transactions may be others' now."""
        gone: list[tuple[str, InHand]] = [
            (item.sent.id, item)
            for item in self._open.waiters()
            if item.connection is connection and item.sent.id is not None
        ]
        for answer_to, item in gone:
            self._open.forget(answer_to)
            item.over = True
            self.counts.gone += 1
        self.counts.bad_frames += connection.netstrings.broken + connection.netstrings.too_long

    # --- what rules do

    def _perform(self, results: list[Result]) -> None:
        self._outside.hold()
        try:
            for item, came in results:
                self._step(item, came)
        finally:
            self._outside.release()

    def _step(self, item: InHand, came: Came) -> None:
        match came:
            case None:
                item.outcome = Ack("its time was over before it began")
                self._end_if_safe(item)
            case Failure():
                self.log.failure("a question failed in kzrules itself: please report it", came)
                item.outcome = Reject(f"a fault of kzrules: {came.getErrorMessage()}", Cause.ERROR)
                self._ended(item, item.outcome)
            case _:
                self._do(item, came)

    def _do(self, item: InHand, step: Step) -> None:
        item.route = step.route
        for line in step.logs:
            self._outside.log(line)
        if step.actions:
            self._act(item, step.actions)
        if isinstance(step, Waiting):
            self._ask(item, step)
        else:
            item.outcome = step.outcome
            self._ended(item, step.outcome)

    def _act(self, item: InHand, actions: tuple[Action, ...]) -> None:
        publishes: list[Publish] = []
        for action in actions:
            match action:
                case Respond():
                    self._answer(item, action.body)
                case Publish():
                    publishes.append(action)
                case Tell():
                    self._until_safe(item, maybeDeferred(self._outside.tell, action))
                case Reply():
                    self._until_safe(item, maybeDeferred(self._outside.reply, action))
                case After():
                    self._outside.after(action)
        if publishes:
            self._until_safe(item, maybeDeferred(self._outside.publish_all, publishes))

    def _until_safe(self, item: InHand, doing: "Deferred[Any]") -> None:
        item.unconfirmed += 1

        def failed(failure: Failure) -> None:
            item.trouble = failure.getErrorMessage()
            if not isinstance(failure.value, KzError):
                self.log.failure("an action failed in kzrules itself: please report it", failure)

        def confirmed(_: Any) -> None:
            item.unconfirmed -= 1
            self._end_if_safe(item)

        doing.addErrback(failed)
        doing.addCallback(confirmed)
        doing.addErrback(self._broke)

    def _ask(self, item: InHand, step: Waiting) -> None:
        def answered(answer: Answer) -> None:
            if not self._answers:  # those that come together go to the workers together
                (self._outside.soon or partial(self._clock.callLater, 0))(self._go_on)
            self._answers.append((item, step.resume, answer))

        asking = maybeDeferred(self._outside.ask, step.query)
        asking.addCallback(answered)
        asking.addErrback(self._broke)

    def _go_on(self) -> None:
        answers, self._answers = self._answers, []
        self._workers.submit(partial(next_steps, answers), self._perform)

    # --- to Kamailio

    def _answer(self, item: InHand, body: bytes) -> None:
        answer_to = item.sent.id
        if answer_to is None or item.over or self._open.forget(answer_to) is None:
            self.counts.late += 1
            return
        item.over = True
        self.counts.answered += 1
        item.connection.write(frames.answer(answer_to, body))

    def _refuse(self, item: InHand, reason: Reason, why: str) -> None:
        """Say no, to a question that is not open (any more)."""
        item.over = True
        self.counts.refuse(reason)
        if item.sent.id is not None:
            item.connection.write(frames.refusal(item.sent.id, reason, why))

    def _ended(self, item: InHand, outcome: Outcome) -> None:
        """The rule is through; a question that it did not answer is told why."""
        if item.asks and not item.over and item.sent.id is not None:
            self._open.forget(item.sent.id)
            self._refuse(item, *_why(item, outcome))
        self._end_if_safe(item)

    def _end_if_safe(self, item: InHand) -> None:
        if item.outcome is None or item.unconfirmed:
            return
        if item.trouble:
            self._say("trouble", f"what {item.route} asked for was not done: {item.trouble}")
        if item.asks:
            self.questions -= 1
        else:
            self.events -= 1
            good = isinstance(item.outcome, Ack) and not item.outcome.unmatched and not item.trouble
            self.counts.done += good
            self.counts.failed += not good
            self._not_done(item, item.outcome, good=good)
        item.outcome = None
        if not self.questions and not self.events:
            idle, self._idle = self._idle, []
            for waiting in idle:
                waiting.callback(None)

    def _not_done(self, item: InHand, outcome: Outcome, *, good: bool) -> None:
        if not good and not item.trouble:
            _, why = _why(item, outcome)
            self._say("event", f"the event {item.sent.name} came to nothing: {why}")

    # --- time

    def _plan(self) -> None:
        """One delayed call, for the question that is due first."""
        due = self._open.next_expiry()
        if due is not None and (self._timer is None or due < self._due):
            self._cancel()
            self._due = due
            self._timer = self._clock.callLater(max(0.0, due - self._clock.seconds()), self._expire)

    def _expire(self) -> None:
        self._timer = None
        for item in self._open.expire(self._clock.seconds()):
            why = f"there was no answer within {(item.until or 0) - item.received_at:.3g} s"
            self._refuse(item, Reason.LATE, why)
        self._plan()

    def _cancel(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def when_idle(self) -> "Deferred[None]":
        """Fires when nothing is in hand."""
        idle: Deferred[None] = Deferred()
        if self.questions or self.events:
            self._idle.append(idle)
        else:
            idle.callback(None)
        return idle

    def close(self) -> None:
        """No more; those that still wait are told so."""
        self._cancel()
        for item in self._open.waiters():
            self._refuse(item, Reason.STOPPING, "kzrules stops")

    def _say(self, subject: str, text: str) -> None:
        self._notices.warn((subject, text), f"Kamailio {self._spec.name}: {text}")

    def _broke(self, failed: Failure) -> None:
        self.log.failure("ending a question failed: a fault of kzrules, please report it", failed)


def _why(item: InHand, outcome: Outcome) -> tuple[Reason, str]:
    """The reason for the script, and the words for its log."""
    match outcome:
        case Ack(unmatched=True):
            return Reason.NO_ROUTE, f"no event route takes {item.sent.name}"
        case Ack(why=why):
            return Reason.UNANSWERED, why or "the rule came to its end without an answer"
        case Reject(cause=Cause.RULE, why=why):
            return Reason.REJECTED, why
    return Reason.FAILED, outcome.why
