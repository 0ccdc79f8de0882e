"""The mailbox keeps the newest and only the newest."""

import threading

from desktop.runtime.mailbox import Mailbox


def test_newest_wins_and_take_empties():
    box: Mailbox[int] = Mailbox()
    assert box.empty
    box.put(1)
    box.put(2)
    assert not box.empty
    assert box.take() == 2
    assert box.take() is None
    assert box.empty


def test_last_content_arrives_under_contention():
    box: Mailbox[int] = Mailbox()
    last = 20_000
    writer = threading.Thread(target=lambda: [box.put(i) for i in range(last + 1)])
    writer.start()
    seen = -1
    while seen < last:
        content = box.take()
        if content is not None:
            assert content > seen, "an older content came after a newer one"
            seen = content
    writer.join()
