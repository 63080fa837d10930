"""Which broker the tests and the demonstration use: a given one, or a private node, however it can be had."""

import os
import sys
from dataclasses import dataclass
from urllib.parse import urlsplit

from testbed import apt, obtain
from testbed.container import Container, docker_answers
from testbed.debian import Say
from testbed.errors import NoBroker
from testbed.ground import Ground
from testbed.node import Node
from testbed.obtain import Programs

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Given:
    """A broker that somebody else runs, named by DEMO_BROKER."""

    url: str


def given_broker(*, i_know_this_bus: bool = False) -> Given | None:
    """The broker of DEMO_BROKER. One beyond loopback may be somebody's live bus: refused."""
    url = os.environ.get("DEMO_BROKER", "")
    if not url:
        return None
    host = urlsplit(url).hostname or ""
    if host not in LOOPBACK and not i_know_this_bus:
        raise NoBroker(
            f"DEMO_BROKER names {host or 'no host'}, which is not this machine, but maybe a live bus."
            " Unset it to have a private broker started, or say --i-know-this-bus if you do."
        )
    return Given(url)


def find_programs(say: Say) -> Programs:
    """RabbitMQ's programs: the machine's own, else Debian's packages, unpacked."""
    programs = obtain.installed() or obtain.from_packages(say)
    if programs is None:
        raise NoBroker(
            "There is no RabbitMQ here, and no apt to have it from: install RabbitMQ 3.10 or later"
            " (`brew install rabbitmq`, or your system's package), or docker."
        )
    return programs


def say_on_stderr(line: str) -> None:
    """One line for the person who waits."""
    print(line, file=sys.stderr, flush=True)


def private_broker(say: Say = say_on_stderr) -> Node:
    """A private node, started: from the machine's programs, from packages, or in a container."""
    try:
        node = Node(Ground(find_programs(say)))
    except NoBroker:
        if docker_answers():
            say("RabbitMQ is not to be had here: starting one in a container ...")
            node = Container()
        elif apt.may_install():
            apt.install(say)
            node = Node(Ground(find_programs(say)))
        else:
            raise
    try:
        return node.start()
    except BaseException:
        node.ground.close()
        raise
