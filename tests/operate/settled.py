"""Events at their end, as the feed hands them out."""

from kzrules.broker.inhand import InHand
from kzrules.message.delivery import Delivery, Source
from kzrules.message.event import Event
from kzrules.message.outcome import Ack


def settled(route="kazoo:a", outcome=None, *, payload=None, subscription="calls", did=(), key="k"):
    """An event that has ended."""
    source = Source(subscription, "q", "local", 1, 1)
    delivery = Delivery(source, 1, False, "in", key, b"", b"{}")
    item = InHand(delivery, None, None)
    item.event = Event(delivery, payload or {}, 1000.0, "in", key)
    item.route = route
    item.outcome = outcome or Ack()
    item.did = list(did)
    return item
