"""The list of experiments, by the names that the command takes."""

from collections.abc import Awaitable, Callable

from chaos import declared, mixed, network, nodes, work
from chaos.result import Result
from chaos.trial import Ground

Experiment = Callable[[Ground], Awaitable[Result]]

ALL: dict[str, Experiment] = {
    "backlog": nodes.killed_with_a_backlog,
    "steady": nodes.killed_under_load,
    "thrice": nodes.killed_three_times,
    "service": work.killed,
    "silent": nodes.stopped,
    "swallow": network.swallowed,
    "delay": network.delayed,
    "cuts": network.cut,
    "torn": network.torn,
    "alarm": nodes.alarmed,
    "partition": nodes.cut_in_two,
    "queue": declared.queue_deleted,
    "exchange": declared.exchange_changed,
    "password": declared.password_changed,
    "poison": work.poison,
    "key": work.bad_key,
    "responder": work.dead_responder,
    "list": network.bad_lists,
    "mixed": mixed.ten_minutes,
    "three": work.three_instances,
    "single": work.single_active,
}
