"""Which queues the demonstration's rules read: told by the rules themselves."""

from pathlib import Path

from kzrules.errors import KzError
from kzrules.language.declare import declare
from kzrules.language.program import SubscriptionSpec
from kzrules.language.source import read_program

NODE = "demo.example.com"


def subscriptions(rules: Path) -> list[SubscriptionSpec]:
    """The subscriptions of the rules, as the service will declare them."""
    declared = declare(read_program([str(rules)]).files, {}, NODE)
    if not declared.subscriptions:
        raise KzError(f"{rules} subscribes to nothing: run `kzrules check {rules}`")
    return list(declared.subscriptions)
