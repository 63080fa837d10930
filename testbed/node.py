"""One RabbitMQ node of our own: started, stopped, killed, paused and asked by whoever tests against it."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from testbed.errors import CommandFailed, NoBroker
from testbed.ground import Ground
from testbed.ports import free_port

if TYPE_CHECKING:  # certificates need a package, and a bare machine starts nodes before it has any
    from testbed.certificates import Certificates

START_TIMEOUT = 90.0
"""Seconds: a node is up in about four, on a machine whose cores are all busy in thirty."""
VHOST_TIMEOUT = 20.0
"""Seconds until a virtual host is up on every node, which takes none where nothing is in the way."""


class QueueDepth(NamedTuple):
    """What a queue holds, as the broker counts it."""

    messages: int
    ready: int
    unacknowledged: int
    consumers: int


class Node:
    """A private node. Not started when made; `restart` keeps its ports and its data."""

    def __init__(
        self,
        ground: Ground,
        name: str = "kz1",
        *,
        settings: Mapping[str, str] | None = None,
        erlang_arguments: str = "",
        tls: "Certificates | None" = None,
    ) -> None:
        self.ground = ground
        self.name = f"{name}@localhost"
        self.amqp_port = free_port()
        self.tls_port = free_port() if tls else 0
        self._distribution_port = free_port()
        self._erlang_arguments = erlang_arguments
        self._folder = ground.folder / name
        self._folder.mkdir()
        self._process: subprocess.Popen[bytes] | None = None
        self._configure(settings or {}, tls)

    def _configure(self, settings: Mapping[str, str], tls: "Certificates | None") -> None:
        lines = {"listeners.tcp.1": f"127.0.0.1:{self.amqp_port}", "disk_free_limit.absolute": "10MB"}
        if tls:
            lines |= tls.server_settings() | {"listeners.ssl.1": f"127.0.0.1:{self.tls_port}"}
        text = "".join(f"{key} = {value}\n" for key, value in {**lines, **settings}.items())
        (self._folder / "rabbitmq.conf").write_text(text)
        (self._folder / "enabled_plugins").write_text("[].\n")

    def _environment(self) -> dict[str, str]:
        return self.ground.environment() | {
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self._folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "RABBITMQ_CTL_DIST_PORT_MIN": "35672",
            "RABBITMQ_CTL_DIST_PORT_MAX": "36671",
            # Without it the script stays as a parent that our signals would go to instead of the node.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1}"
                # How often quorum queues count themselves: five seconds is long for somebody who asks.
                " -rabbit quorum_tick_interval 250"
                f" -kzrules {self._folder} {self._erlang_arguments}"
            ),
        }

    @property
    def host(self) -> str:
        """Where the node listens: loopback only."""
        return "127.0.0.1"

    @property
    def url(self) -> str:
        """The node's default virtual host, as its default user."""
        return self.url_of()

    def url_of(
        self,
        vhost: str = "/",
        user: str = "guest",
        password: str = "guest",  # noqa: S107  RabbitMQ's own default, which it takes from loopback only
        *,
        tls: bool = False,
    ) -> str:
        """A URL as rules and clients write it."""
        scheme, port, host = (
            ("amqps", self.tls_port, "localhost") if tls else ("amqp", self.amqp_port, self.host)
        )
        name, secret, path = (quote(part, safe="") for part in (user, password, vhost))
        return f"{scheme}://{name}:{secret}@{host}:{port}/{path}"

    @property
    def pid(self) -> int:
        """The id of the node's process (the Erlang machine itself)."""
        return self._running().pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives; a paused one does."""
        return self._process is not None and self._process.poll() is None

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise CommandFailed(f"{self.name} has not been started")
        return self._process

    def start(self, *, wait: bool = True) -> "Node":
        """Start, and return when clients can connect."""
        if not self.is_running:
            script = self.ground.programs.find("rabbitmq-server")
            self._process = self.ground.spawn([script], str(self._folder), self.log, self._environment())
        if wait:
            self.wait_until_up()
        return self

    def wait_until_up(self, timeout: float = START_TIMEOUT) -> None:
        """Wait until the node answers on its AMQP port; it opens that last of all."""
        deadline = time.monotonic() + timeout
        while not self._answers():
            if not self.is_running:
                raise NoBroker(f"RabbitMQ ended while it started: {self._last_words()}")
            if time.monotonic() > deadline:
                raise NoBroker(f"RabbitMQ did not start within {timeout:.0f} s: {self._last_words()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.amqp_port), timeout=1):
                return True
        except OSError:
            return False

    @property
    def log(self) -> Path:
        """The node's log."""
        return self._folder / "node.log"

    def _last_words(self) -> str:
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return " | ".join(lines[-5:]) or f"{self.log} is empty"

    def stop(self, timeout: float = 30.0) -> None:
        """Stop as an operator would (SIGTERM); its data stays for the next start."""
        if self.is_running:
            self._running().send_signal(signal.SIGTERM)
            try:
                self._running().wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """SIGKILL: no goodbye to anybody."""
        if self.is_running:
            self._running().kill()
            self._running().wait()

    def pause(self) -> None:
        """SIGSTOP: sockets stay open and nothing answers any more."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._running().send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stop and start; ports and data stay."""
        self.stop()
        self.start()

    def destroy(self) -> None:
        """End the node and everything on its ground."""
        self.kill()
        self.ground.close()

    def ctl(self, *arguments: str, timeout: float = 60.0) -> str:
        """`rabbitmqctl`; half a second each."""
        return self._command([self.ground.programs.find("rabbitmqctl"), *arguments], timeout=timeout)

    def _command(self, command: list[str], given: str = "", timeout: float = 60.0) -> str:
        try:
            done = subprocess.run(
                command,
                input=given,
                env=self._environment(),
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            asked = given or " ".join(command[1:])
            raise CommandFailed(f"{self.name} gave no answer within {timeout:.0f} s to {asked}") from error
        if done.returncode:
            raise CommandFailed(
                f"{self.name}: {given or ' '.join(command[1:])}: {done.stderr or done.stdout}"
            )
        return done.stdout

    def eval(self, erlang: str, timeout: float = 60.0) -> str:
        """Evaluate Erlang in the node and give the result as it prints; with `erl_call` that is quick."""
        call = self.ground.programs.look_for("erl_call")
        if call is None:
            return self.ctl("eval", erlang, timeout=timeout).strip()
        printed = self._call(call, erlang.strip().removesuffix(".") + ".\n", timeout)
        result = re.fullmatch(r"\{ok, (.*)\}", printed.strip(), re.DOTALL)
        if result is None:
            raise CommandFailed(f"{self.name}: {erlang}: {printed}")
        return result[1]

    def _call(self, erl_call: str, erlang: str, timeout: float) -> str:
        """A node that is busy, or is just parting from others, may turn a stranger away: knock again."""
        patience = time.monotonic() + 10
        while True:
            try:
                return self._command([erl_call, "-n", self.name, "-e"], erlang, timeout)
            except CommandFailed as error:
                refused = "failed to connect" in str(error) and self.is_running
                if not refused or time.monotonic() > patience:
                    raise
                time.sleep(0.2)

    def queue_depths(self, vhost: str = "/") -> dict[str, QueueDepth]:
        """What every queue of a virtual host holds now."""
        text = self.eval(
            "base64:encode_to_string(rabbit_json:encode([[begin {resource, _, queue, N} = V, N end"
            " || {name, V} <- I] ++ [proplists:get_value(K, I, 0) || K <-"
            " [messages, messages_ready, messages_unacknowledged, consumers]]"
            " || I <- rabbit_amqqueue:info_all(" + _binary(vhost) + ", [name, messages, messages_ready,"
            " messages_unacknowledged, consumers])]))"
        )
        rows = json.loads(base64.b64decode(text.strip('"')))
        return {row[0]: QueueDepth(*(n if isinstance(n, int) else 0 for n in row[1:])) for row in rows}

    def add_vhost(self, vhost: str, user: str = "guest") -> None:
        """A virtual host where `user` may do everything, up on every node that runs."""
        self.eval(f'rabbit_vhost:add({_binary(vhost)}, <<"testbed">>)')
        self._start_everywhere(vhost)
        self.allow(user, vhost)

    def _start_everywhere(self, vhost: str) -> None:
        """A node that has just joined its cluster may miss the making of one, and never makes up for it."""
        up = (
            "[begin rabbit_vhost_sup_sup:start_vhost(V, N),"
            " true = rpc:call(N, rabbit_vhost_sup_sup, is_vhost_alive, [V]) end"
            f" || V <- [{_binary(vhost)}], N <- rabbit_nodes:all_running()]"
        )
        deadline = time.monotonic() + VHOST_TIMEOUT
        while True:
            try:
                self.eval(up)
                break
            except CommandFailed:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def delete_vhost(self, vhost: str) -> None:
        """Its queues, exchanges and connections go with it."""
        self.eval(f'rabbit_vhost:delete({_binary(vhost)}, <<"testbed">>)')

    def delete_queue(self, queue: str, vhost: str = "/") -> int:
        """Delete a queue from the node itself; how many messages lay in it."""
        name = f"rabbit_misc:r({_binary(vhost)}, queue, {_binary(queue)})"
        counted = self.eval(
            f"{{ok, Q}} = rabbit_amqqueue:lookup({name}),"
            ' {ok, N} = rabbit_amqqueue:delete(Q, false, false, <<"testbed">>), N'
        )
        return int(counted)

    def add_user(self, user: str, password: str) -> None:
        """A user who may nothing yet."""
        self._users(f"add_user({_binary(user)}, {_binary(password)}, ")

    def change_password(self, user: str, password: str) -> None:
        """Connections that are open stay open."""
        self._users(f"change_password({_binary(user)}, {_binary(password)}, ")

    def allow(
        self, user: str, vhost: str, configure: str = ".*", write: str = ".*", read: str = ".*"
    ) -> None:
        """Permissions, as patterns of names."""
        words = ", ".join(_binary(word) for word in (user, vhost, configure, write, read))
        self._users(f"set_permissions({words}, ")

    def _users(self, call: str) -> None:
        """Call RabbitMQ's own user database; every change of it names who made it."""
        self.eval(f'rabbit_auth_backend_internal:{call}<<"testbed">>)')

    def close_connections(self, why: str = "closed by the testbed") -> None:
        """The broker closes every client's connection with 320 CONNECTION_FORCED."""
        close = f'rabbit_networking:close_connection(P, "{why}")'
        self.eval(f"[{close} || P <- rabbit_networking:connections()], ok")

    def memory_alarm(self, *, on: bool) -> None:
        """Block publishers, or let them go on."""
        self.eval(f"vm_memory_monitor:set_vm_memory_high_watermark({'0.000001' if on else '0.4'})")


def _binary(text: str) -> str:
    """Text as an Erlang binary, whatever stands in it."""
    return f"<<{','.join(str(byte) for byte in text.encode())}>>"
