"""The parameters of modules: the ones that are read, the ones that change nothing here, their values.

`declare` makes declarations of them, `convert` tells of those that were not read.
"""

from collections.abc import Iterator

from kzrules.convert import nodes as n

KAZOO = "kazoo"
STARTED_WITH = {"app_name": "--app-name", "amqp_consumer_workers": "--workers", "node_hostname": "--node"}
READ = frozenset(
    {
        "amqp_connection", "amqp_primary_zone", "amqp_heartbeats", "amqps_ca_cert", "amqps_cert", "amqps_key",
        "amqps_verify_peer", "amqps_verify_hostname", "amqp_connect_timeout_sec",
        "amqp_connect_timeout_micro",
        "amqp_query_timeout_sec", "amqp_query_timeout_micro", "amqp_query_timeout_avp",
        "amqp_consumer_event_key", "amqp_consumer_event_subkey", "json_escape_char",
    }
)  # fmt: skip
DEAD = frozenset(
    {
        "amqp_timer_process_interval", "amqp_timmer_process_interval", "amqp_consumer_ack_timeout_sec",
        "amqp_consumer_ack_timeout_micro", "amqp_interprocess_timeout_sec", "amqp_interprocess_timeout_micro",
        "amqp_internal_loop_count", "amqp_consumer_loop_count", "amqp_consumer_ack_loop_count",
        "single_consumer_on_reconnect", "consume_messages_on_reconnect", "use_federated_exchange",
        "federated_exchange", "amqp_result_avp", "presence_use_full_entity", "amqp_waitframe_timeout_sec",
        "amqp_waitframe_timeout_micro", "amqp_command_hashtable_size", "amqp_max_channels",
        "amqp_consumer_processes",
    }
)  # fmt: skip
"""Parameters that change nothing, or nothing that there is here."""


def parameters(config: n.Config, module: str) -> Iterator[n.Parameter]:
    """The parameters of a module, in order."""
    return (one for one in config.parameters if module in one.modules)


def last(config: n.Config, name: str) -> str | int | None:
    """The value of kazoo's parameter; the last one counts."""
    found = [one.value for one in parameters(config, KAZOO) if one.name == name]
    return found[-1] if found else None


def milliseconds(config: n.Config, name: str, usual: int) -> int:
    """`NAME_sec` and `NAME_micro` together."""
    seconds, micro = last(config, f"{name}_sec"), last(config, f"{name}_micro")
    if seconds is None and micro is None:
        return usual
    return int(seconds or 0) * 1000 + int(micro or 0) // 1000


def timeout(config: n.Config) -> int:
    """How long a question waits, in milliseconds."""
    return milliseconds(config, "amqp_query_timeout", 2000) or 2000


def options(config: n.Config) -> dict[str, str]:
    """What stood in module parameters, and stands on the service's command line."""
    found = {option: last(config, name) for name, option in STARTED_WITH.items()}
    return {option: str(value) for option, value in found.items() if value is not None}
