"""Times one peer on the five decisions, in the bench's own environment: `rules_peers.py PEER`.

Started by `rules`; prints a JSON list of nanoseconds, one for each decision.
"""

import json
import sys
from collections.abc import Callable, Iterator
from timeit import Timer
from typing import Any

import decisions

Decide = Callable[..., object]


def zen_engine() -> Iterator[Decide]:
    import zen  # noqa: PLC0415  only one peer is there at a time

    return (zen.compile_expression(text).evaluate for text in decisions.ZEN)


def cel_python() -> Iterator[Decide]:
    import celpy  # noqa: PLC0415  as above

    environment = celpy.Environment()
    programs = [environment.program(environment.compile(text)) for text in decisions.CEL]

    def decide(payload: dict[str, Any], run: Any) -> object:
        # a name of CEL has no hyphen: fields that have one cannot be handed over
        known = {name: value for name, value in payload.items() if "-" not in name}
        return bool(run.evaluate(celpy.json_to_cel(known)))

    return (lambda payload, run=run: decide(payload, run) for run in programs)


def common_expression_language() -> Iterator[Decide]:
    import cel  # noqa: PLC0415  as above

    return (cel.compile(text).execute for text in decisions.CEL)


def rule_engine() -> Iterator[Decide]:
    import rule_engine as engine  # noqa: PLC0415  as above

    context = engine.Context(default_value=None)
    return (engine.Rule(text, context=context).matches for text in decisions.RULE_ENGINE)


def json_logic() -> Iterator[Decide]:
    import json_logic as logic  # noqa: PLC0415  as above

    return (lambda payload, tree=tree: logic.jsonLogic(tree, payload) for tree in decisions.JSON_LOGIC)


PEERS = {
    "zen-engine": zen_engine,
    "cel-python": cel_python,
    "common-expression-language": common_expression_language,
    "rule-engine": rule_engine,
    "json-logic": json_logic,
}


def nanoseconds(decide: Decide, *given: object) -> float:
    """The best of many short turns: what disturbs a measurement only makes it longer.

    `given` goes before the payload. The call itself counts, as it does in a service.
    """
    if decide(*given, decisions.PAYLOAD) is not True:
        raise SystemExit(f"gives {decide(*given, decisions.PAYLOAD)!r}, not true")
    names = {f"given{number}": one for number, one in enumerate(given)}
    call = f"decide({', '.join([*names, 'payload'])})"
    timer = Timer(call, globals={**names, "decide": decide, "payload": decisions.PAYLOAD})
    number = max(timer.autorange()[0] // 100, 1)
    return min(timer.repeat(150, number)) / number * 1e9


if __name__ == "__main__":
    print(json.dumps([nanoseconds(decide) for decide in PEERS[sys.argv[1]]()]))
