from twisted.internet.task import Clock

from kzrules.broker.amqp_heartbeat import Heartbeat


def test_a_moment_that_the_clock_cannot_tell_apart_is_not_looked_at_for_ever():
    """10.799999999999999 + 15 is 25.799999999999997, and that less 10.799999999999999 is below 15."""
    clock, silent = Clock(), []
    clock.rightNow = 10.799999999999999
    heartbeat = Heartbeat(clock, 10, lambda: None, silent.append)
    clock.advance(15)
    clock.advance(0.1)
    assert len(silent) == 1
    heartbeat.stop()
