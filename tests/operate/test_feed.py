"""Who listens hears of each event, and cannot keep it from being settled."""

from settled import settled

from kzrules.operate.feed import Feed


def test_each_listener_hears_of_each_event_until_it_leaves():
    feed, one, other = Feed(), [], []
    feed.listen(one.append)
    feed.listen(other.append)
    first, second = settled(), settled()
    feed.tell(first)
    feed.leave(one.append)
    feed.tell(second)
    assert [first] == one
    assert [first, second] == other


def test_listening_twice_hears_once_and_with_nobody_there_is_nothing_to_call():
    feed, heard = Feed(), []
    assert () == feed.listeners
    feed.listen(heard.append)
    feed.listen(heard.append)
    feed.tell(settled())
    assert 1 == len(heard)


def test_a_listener_that_raises_is_logged_and_the_others_hear(logged_errors):
    feed, heard = Feed(), []
    feed.listen(lambda item: 1 / 0)
    feed.listen(heard.append)
    feed.tell(settled())
    assert 1 == len(heard)
    assert 1 == len(logged_errors.flush())
