"""Which queues the demonstration's rules read: told by the rules themselves."""

from pathlib import Path

from kzrules.errors import KzError
from kzrules.language.program import SubscriptionSpec
from kzrules.message.identity import Identity
from kzrules.routing.load import load

NODE = "demo.example.com"


def subscriptions(rules: Path) -> list[SubscriptionSpec]:
    """The subscriptions of the rules, as the service will declare them."""
    loaded = load([str(rules)], {}, NODE, Identity(NODE, "kzrules", "0", "demo"))
    if loaded.book is None:
        raise KzError(f"{rules} does not check: run `kzrules check {rules}`")
    return list(loaded.book.subscriptions.values())
