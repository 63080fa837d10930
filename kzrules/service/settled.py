"""One line at debug for each event, for whoever looks closely; never its payload. The feed calls it."""

from twisted.logger import Logger

from kzrules.broker.inhand import InHand
from kzrules.message.outcome import Ack, Reject

_log = Logger()


def debug_line(item: InHand) -> None:
    """Say how an event ended."""
    outcome = item.outcome
    _log.debug(
        "{subscription}: {route} {outcome} {actions}",
        event="settled",
        subscription=item.delivery.source.subscription,
        route=item.route,
        outcome=type(outcome).__name__.lower() if outcome is not None else None,
        reason=outcome.why if outcome is not None else "",
        cause=outcome.cause if isinstance(outcome, Reject) else None,
        unmatched=isinstance(outcome, Ack) and outcome.unmatched,
        actions=item.did,
        routing_key=item.delivery.routing_key,
        msg_id=item.event.received.get("Msg-ID") if item.event is not None else None,
    )
