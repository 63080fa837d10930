"""Who this process is on the bus: the fields that every message of ours carries."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """What is filled into each published object where it is absent or null.

    The names follow the kazoo module: `node` is `kamailio@host` there, `server_id` has its form
    `kamailio@host-<id>-targeted-0`, where our id holds a random part, so that two processes of
    one host never share answers. `reply_queue` is the queue that is bound to `targeted` with the
    key `server_id`, on whichever broker we are connected to.
    """

    host: str
    app_name: str
    app_version: str
    instance: str

    @property
    def node(self) -> str:
        """The field `Node`."""
        return f"{self.app_name}@{self.host}"

    @property
    def server_id(self) -> str:
        """The field `Server-ID`: the routing key that answers come back by."""
        return f"{self.node}-<{self.instance}>-targeted-0"

    @property
    def reply_queue(self) -> str:
        """The name of the exclusive queue that answers arrive in."""
        return f"{self.node}-<{self.instance}-0>"
