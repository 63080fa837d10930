import os
from threading import Thread
from uuid import UUID

from kzrules.message import ids


def test_they_are_uuids_of_version_four():
    one = ids.random_id()
    assert (str(UUID(one)), UUID(one).version) == (one, 4)


def test_nobody_gets_one_twice_whatever_thread_asks():
    drawn = [[] for _ in range(4)]
    threads = [
        Thread(target=lambda mine=mine: mine.extend(ids.random_id() for _ in range(3 * ids.AT_ONCE)))
        for mine in drawn
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one for mine in drawn for one in mine}) == 4 * 3 * ids.AT_ONCE


def test_a_process_that_forks_does_not_share_them():
    ids.random_id()
    told, tells = os.pipe()
    if not (child := os.fork()):
        os.write(tells, ids.random_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(told, 36).decode() != ids.random_id()
