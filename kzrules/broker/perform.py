"""What rules ask for is done here, and their events brought to an end when it is safe.

Called by the consumer with what the workers give, on the reactor thread. Every kind of action is
performed by a callable that the service hands in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kzrules.broker.counters import Counters
from kzrules.broker.endings import Endings
from kzrules.broker.inhand import InHand
from kzrules.broker.running import Fault, Passed, Result
from kzrules.clock import Clock
from kzrules.errors import BrokerGone, KzError
from kzrules.message.action import Action, After, Answer, Log, Publish, Question, Reply, Tell, Unanswered
from kzrules.message.outcome import Cause, Reject
from kzrules.notices import Notices
from kzrules.routing.decide import DONE, Ended, Step, Waiting

Answers = list[tuple[InHand, Callable[[Answer, float], Step], Answer]]


def _begun(call: "Callable[[Any], Deferred[Any]]", asked: Any) -> "Deferred[Any]":
    """Its Deferred, failed where it raises: `maybeDeferred`, for what always gives one, at half the price."""
    try:
        return call(asked)
    except Exception:  # noqa: BLE001  whoever waits for it gets it
        return fail()


def _nothing() -> None:
    return None


def _nobody_listens(_: InHand) -> None:
    return None


def _not_connected(told: Tell) -> "Deferred[Any]":
    return fail(BrokerGone(f"the Kamailio {told.kamailio} is not connected"))


@dataclass(frozen=True, slots=True)
class Outside:
    """Who does what a rule asks for.

    `publish_all` fires when every message is confirmed and fails with a KzError when one cannot
    be; `reply` fires when the answer is on its way or its asker is gone; `ask` never fails; `tell`
    fires when the event is on its way to Kamailio, and fails with a KzError when it cannot be.
    """

    publish_all: Callable[[list[Publish]], "Deferred[Any]"]
    reply: Callable[[Reply], "Deferred[Any] | None"]
    ask: Callable[[Question], "Deferred[Answer]"]
    after: Callable[[After], object]
    log: Callable[[Log], object]
    tell: Callable[[Tell], "Deferred[Any]"] = _not_connected
    hold: Callable[[], object] = _nothing
    """Several events are performed now: what they publish may wait for `release`, to go out together."""
    release: Callable[[], object] = _nothing
    ended: Callable[[InHand], object] = _nobody_listens
    """Told of each event when its outcome is decided and what it caused is safe."""
    soon: "Callable[[Callable[[], object]], object] | None" = None
    """Call this when all answers that came together have been told; None: in the reactor's next turn."""
    about: "Callable[[InHand], Outside] | None" = None
    """The same for what one event asks for; None where it matters to nobody which event asks."""


class Perform:
    """Performs the steps of one subscription's events."""

    log = Logger()

    def __init__(
        self,
        outside: Outside,
        endings: Endings,
        counters: Counters,
        go_on: Callable[[Answers], None],
        clock: Clock,
    ) -> None:
        self._outside = outside
        self._endings = endings
        self._count = counters
        self._go_on = go_on
        self._soon = outside.soon or partial(clock.callLater, 0)
        self._notices = Notices(clock, self.log)
        self._answers: Answers = []
        self.waiting = 0
        """Rules that wait for an answer; they hold no thread."""

    def take(self, results: list[Result]) -> None:
        """Perform what came of these events, in this order; what they publish goes out together."""
        self._outside.hold()
        try:
            self._perform(results)
        finally:
            self._outside.release()
        self._endings.look_at_held()

    def _perform(self, results: list[Result]) -> None:
        done: list[InHand] = []
        ended = self._outside.ended
        for item, came in results:
            if (
                came.__class__ is Ended
                and came.outcome is DONE
                and not came.actions
                and not came.logs
                and not item.unconfirmed  # of what it published before it waited
                and item.trouble is None
            ):
                item.route, item.outcome = came.route, DONE
                ended(item)
                done.append(item)
                continue
            if done:
                self._endings.done(done)
                done = []
            match came:
                case Passed.DUPLICATE:
                    self._endings.duplicate(item)
                case Passed.ABANDONED:
                    self._endings.abandon(item)
                case Fault():
                    self._fault(item, came.failure)
                case _:
                    self._step(item, came)
        if done:
            self._endings.done(done)

    def _step(self, item: InHand, step: Step) -> None:
        item.route = step.route
        for line in step.logs:
            self._outside.log(line)
        if step.actions:
            self._act(item, step.actions)
        if isinstance(step, Waiting):
            self._ask(item, step)
        else:
            item.outcome = step.outcome
            self._end_if_safe(item)

    def _fault(self, item: InHand, failed: Failure) -> None:
        self.log.failure("an event failed in kzrules itself: please report it", failed)
        item.outcome = Reject(f"a fault of kzrules: {failed.getErrorMessage()}", Cause.ERROR)
        self._end_if_safe(item)

    def _act(self, item: InHand, actions: tuple[Action, ...]) -> None:
        outside = self._outside
        if outside.about is not None:
            outside = outside.about(item)
        publishes: list[Publish] = []
        for action in actions:
            match action:
                case Publish():
                    item.did.append(f"publish {action.exchange} {action.routing_key}")
                    publishes.append(action)
                case Reply():
                    item.did.append(f"reply {action.routing_key}")
                    self._until_safe(item, maybeDeferred(outside.reply, action), self._unanswered)
                case Tell():
                    item.did.append(f"tell {action.kamailio} {action.tag}")
                    self._until_safe(item, maybeDeferred(self._outside.tell, action), self._unpublished)
                case After():
                    self._outside.after(action)
        if publishes:
            self._until_safe(item, _begun(outside.publish_all, publishes), self._unpublished)

    def _outside_of(self, item: InHand) -> Outside:
        about = self._outside.about
        return self._outside if about is None else about(item)

    def _until_safe(
        self, item: InHand, doing: "Deferred[Any]", failed: Callable[[InHand, Failure], None]
    ) -> None:
        item.unconfirmed += 1

        def confirmed(failure: Any) -> None:
            try:
                if isinstance(failure, Failure):
                    failed(item, failure)
                item.unconfirmed -= 1
                self._end_if_safe(item)
            except Exception:  # noqa: BLE001  the others of this confirm go on
                self._broke(Failure())  # type: ignore[no-untyped-call]  # Twisted's

        doing.addBoth(confirmed)

    def _unpublished(self, item: InHand, failed: Failure) -> None:
        self._count.unpublished += 1
        item.trouble = failed.getErrorMessage()
        if not isinstance(failed.value, KzError):
            self.log.failure("publishing failed in kzrules itself: please report it", failed)

    def _unanswered(self, item: InHand, failed: Failure) -> None:
        text = f"{item.delivery.source.subscription}: a reply is given up: {failed.getErrorMessage()}"
        self._notices.warn("reply", text)

    def _end_if_safe(self, item: InHand) -> None:
        if item.outcome is not None and not item.unconfirmed:
            self._outside.ended(item)
            self._endings.end(item, item.outcome)

    # Questions.

    def _ask(self, item: InHand, step: Waiting) -> None:
        self.waiting += 1
        _begun(self._outside_of(item).ask, step.query).addBoth(self._answered, item, step.resume)

    def _answered(self, answer: Any, item: InHand, resume: Callable[[Answer, float], Step]) -> None:
        try:
            self.waiting -= 1
            if isinstance(answer, Failure):
                self.log.failure("asking failed in kzrules itself: please report it", answer)
                answer = Unanswered("disconnected")
            if not self._answers:  # those that come together go to the workers together
                self._soon(self._hand_answers_over)
            self._answers.append((item, resume, answer))
        except Exception:  # noqa: BLE001  the other answers of this read go on
            self._broke(Failure())  # type: ignore[no-untyped-call]  # Twisted's

    def _hand_answers_over(self) -> None:
        answers, self._answers = self._answers, []
        self._go_on(answers)

    def _broke(self, failed: Failure) -> None:
        self.log.failure("ending an event failed: a fault of kzrules, please report it", failed)
