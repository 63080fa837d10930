"""A private node does what it is told, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pika
import pytest

from testbed import CommandFailed, Node
from testbed.keeper import command_line


def connect(url):
    return pika.BlockingConnection(pika.URLParameters(url))


def test_a_fresh_virtual_host_is_empty_and_usable(rabbit, vhost, broker_url, wait_until):
    with connect(broker_url) as connection:
        channel = connection.channel()
        channel.queue_declare("work", durable=True, arguments={"x-queue-type": "quorum"})
        channel.confirm_delivery()
        channel.basic_publish("", "work", b"one")
        wait_until(lambda: rabbit.queue_depths(vhost)["work"].messages == 1)
    assert set(rabbit.queue_depths(vhost)) == {"work"}


def test_what_a_consumer_holds_is_counted_as_unacknowledged(rabbit, vhost, broker_url, wait_until):
    with connect(broker_url) as connection:
        channel = connection.channel()
        channel.queue_declare("work")
        channel.confirm_delivery()
        channel.basic_publish("", "work", b"one")
        channel.basic_get("work")
        wait_until(lambda: rabbit.queue_depths(vhost)["work"].unacknowledged == 1)


def test_the_node_listens_on_loopback_only(rabbit):
    listeners = rabbit.eval(
        "[inet:ntoa(element(4, L)) || L <- element(2, {ok, rabbit_networking:active_listeners()})]"
    )
    assert "0.0.0.0" not in listeners


def test_erlang_that_fails_is_told_with_the_nodes_own_words(rabbit):
    with pytest.raises(CommandFailed, match="badarg"):
        rabbit.eval("atom_to_list(1)")


def test_rabbitmqctl_speaks_to_the_private_node(rabbit):
    assert rabbit.name in rabbit.ctl("status")


def test_a_users_permissions_are_what_was_given(rabbit, vhost):
    rabbit.add_user("alice", "secret word")
    rabbit.allow("alice", vhost, configure="^$")
    refused = pytest.raises(pika.exceptions.ChannelClosedByBroker, match="ACCESS_REFUSED")
    with connect(rabbit.url_of(vhost, "alice", "secret word")) as connection, refused:
        connection.channel().queue_declare("forbidden")
    rabbit.change_password("alice", "other")
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        connect(rabbit.url_of(vhost, "alice", "secret word"))


def test_a_memory_alarm_blocks_publishers_until_it_is_over(rabbit, broker_url, wait_until):
    with connect(broker_url) as connection:
        told = []
        connection.add_on_connection_blocked_callback(lambda *_: told.append("blocked"))
        connection.add_on_connection_unblocked_callback(lambda *_: told.append("unblocked"))
        rabbit.memory_alarm(on=True)
        try:
            connection.channel().basic_publish("", "nowhere", b"x")
            wait_until(lambda: connection.process_data_events(0.05) or told == ["blocked"])
        finally:
            rabbit.memory_alarm(on=False)
        wait_until(lambda: connection.process_data_events(0.05) or told == ["blocked", "unblocked"])


PARENT = """
import sys, time
from testbed import private_broker
node = private_broker()
print(node.ground.folder, node.pid, node.amqp_port, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_whatever_way_the_end_comes(how, wait_until):
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        folder, pid, _ = parent.stdout.readline().split()
        assert folder in command_line(int(pid))
        parent.send_signal(how)
    wait_until(lambda: not Path(folder).exists())
    wait_until(lambda: folder not in command_line(int(pid)))


def test_a_paused_node_answers_nobody_until_it_is_resumed(rabbit):
    rabbit.pause()
    try:
        with pytest.raises(CommandFailed, match="no answer within"):
            rabbit.eval("node()", timeout=0.5)
    finally:
        rabbit.resume()
    assert rabbit.eval("node()") == rabbit.name


def test_a_killed_node_comes_back_with_its_durable_queues(rabbit, vhost, broker_url, wait_until):
    with connect(broker_url) as connection:
        connection.channel().queue_declare("lasting", durable=True)
    rabbit.kill()
    assert not rabbit.is_running
    rabbit.start()
    wait_until(lambda: "lasting" in rabbit.queue_depths(vhost))  # virtual hosts come back one by one


def test_the_process_id_is_that_of_the_node_itself(rabbit):
    assert rabbit.eval("os:getpid()").strip('"') == str(rabbit.pid)
    os.kill(rabbit.pid, 0)


def test_a_node_that_was_never_started_says_so(tmp_path, rabbit):
    node = Node(rabbit.ground, "never")
    with pytest.raises(CommandFailed, match="has not been started"):
        node.pause()


def test_connections_are_closed_by_force_when_the_test_says_so(rabbit, broker_url):
    connection = connect(broker_url)
    rabbit.close_connections("for a test")
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker, match="for a test"):
        connection.process_data_events(15)
