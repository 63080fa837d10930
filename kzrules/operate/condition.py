"""A condition of the rule language that an operator writes: `--where '.State == "early"'`. Pure.

Used on dead letters by `kzrules dead` and on live events by a tap.
"""

from collections.abc import Mapping
from typing import Any

from kzrules.errors import KzError, SettingError
from kzrules.language.parse import parse
from kzrules.language.tree import EventRoute
from kzrules.language.values import truth
from kzrules.routing.evaluate import Scope, evaluate
from kzrules.words import WORDS


class Condition:
    """Holds of an event or not. SettingError where the text is no condition; `example` helps then."""

    def __init__(self, text: str, example: str) -> None:
        tree, findings = parse(f"event_route[where] when {text}\n{{\n}}\n", "--where")
        errors = [finding.message for finding in findings if finding.is_error]
        route = next((item for item in tree.declarations if isinstance(item, EventRoute)), None)
        if errors or route is None or len(tree.declarations) != 1:
            why = errors[0] if errors else "it is no condition"
            raise SettingError(f"--where: {why}; write one as in a rule: '{example}'")
        self._when = route.when

    def __call__(self, names: Mapping[str, Any], payload: Mapping[str, Any]) -> bool:
        """Whether it holds; of what it cannot be asked of, it does not."""
        scope = Scope(names, frozenset(), lambda _table, _key: None, WORDS, payload)
        try:
            return truth(evaluate(self._when, scope))
        except KzError:
            return False
