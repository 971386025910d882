"""The loop that delivers what the queue holds, with a consumer that writes down what it was given."""

import datetime
import time

import pytest

from saltext.approval import db
from saltext.approval.engine.delivery import Consumer, Delivery, Failed, Later
from saltext.approval.engine.worker import DatabaseWorker
from saltext.approval.errors import Refused, Unavailable
from saltext.approval.settings import Settings


class Recorder(DatabaseWorker, Consumer):
    """Notes (thread, number) of what it is given; what is in ``errors`` by that key it raises."""

    destination = "chat"
    lease_s = 300.0

    def __init__(self, settings):
        super().__init__(settings)
        self.given = []
        self.errors = {}
        self.passed = {}
        self.delivery = Delivery(self, self)

    def pass_s(self, thread, request):
        return self.passed.get(thread, 0.0)

    def deliver(self, message):
        key = message.thread, message.body["n"]
        self.given.append(key)
        if key in self.errors:
            raise self.errors[key]

    def run(self, for_s=5.0):
        return self.delivery.run(time.monotonic() + for_s)


@pytest.fixture
def recorder(approved, master_opts):
    """A function that makes a Recorder on a database whose policy leads drift to chat."""
    approved.execute("SELECT approval.put_route('chat', 'drift')", login="policy_admin")
    made = []

    def make():
        made.append(Recorder(Settings.from_master(master_opts())))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def tell(recorder, approved):
    """A function that posts messages of these numbers in a thread."""
    sender = recorder()

    def post(thread, *numbers):
        for number in numbers:
            assert sender.value("tell", "drift", thread, db.json({"n": number})) == 1

    return post


@pytest.fixture
def queue(approved):
    """A function that gives (state, attempts, last_error) of each message of a thread, in order."""
    columns = "state, attempts, last_error"
    query = f"SELECT {columns} FROM approval.outbox WHERE destination = 'chat' AND thread = %s ORDER BY seq"
    return lambda thread: approved.execute(query, (thread,))


def due(database):
    """Let the time come that messages wait for."""
    database.execute("UPDATE approval.outbox SET due_at = '-infinity' WHERE state = 'waiting'")


def test_all_is_delivered_in_the_order_of_each_thread(recorder, tell, queue):
    one = recorder()
    tell("drift/web1", 1, 2, 3)
    tell("drift/web2", 1, 2)
    tell("drift/web1", 4)
    assert one.run()
    for thread, count in (("drift/web1", 4), ("drift/web2", 2)):
        assert [number for of, number in one.given if of == thread] == list(range(1, count + 1))
        assert queue(thread) == [("delivered", 0, None)] * count
    assert one.run()
    assert len(one.given) == 6, "once"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Failed("no such channel"), "no such channel"),
        (Refused("it says no", "AP006"), "it says no"),
        (KeyError("token=hunter2"), "a fault of the consumer: KeyError"),
    ],
)
def test_one_that_fails_is_tried_again_and_keeps_its_order(recorder, tell, queue, approved, error, text):
    one = recorder()
    tell("drift/web1", 1, 2)
    tell("drift/web2", 1)
    one.errors["drift/web1", 1] = error
    assert one.run()
    assert queue("drift/web1") == [("waiting", 1, text), ("waiting", 0, None)]
    assert queue("drift/web2") == [("delivered", 0, None)]
    one.errors.clear()
    one.run()
    assert ("drift/web1", 2) not in one.given, "after a pause, and not the second before the first"
    due(approved)
    one.delivery._passed.clear()
    one.run()
    assert one.given[-2:] == [("drift/web1", 1), ("drift/web1", 2)]


def test_a_dead_one_halts_its_thread_only(recorder, tell, queue, approved):
    one = recorder()
    tell("drift/web1", 1, 2)
    tell("drift/web2", 1)
    one.errors["drift/web1", 1] = Failed("gone")
    for _ in range(12):
        due(approved)
        one.delivery._passed.clear()
        one.run()
    assert [state for state, *_ in queue("drift/web1")] == ["dead", "waiting"]
    assert one.run(), "it goes not round and round"
    assert one.given.count(("drift/web1", 1)) == 12
    assert ("drift/web1", 2) not in one.given
    tell("drift/web2", 2)
    one.run()
    assert one.given[-1] == ("drift/web2", 2)
    approved.execute("SELECT approval.retry_outbox('pg', 'alice', 'chat', 'drift/web1')", login="alice")
    one.errors.clear()
    one.delivery._passed.clear()
    one.run()
    assert one.given[-2:] == [("drift/web1", 1), ("drift/web1", 2)]


def test_later_is_later(recorder, tell, queue, approved):
    one = recorder()
    tell("drift/web1", 1, 2)
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    one.errors["drift/web1", 1] = Later(at)
    assert one.run()
    assert queue("drift/web1") == [("waiting", 0, None)] * 2
    assert one.given == [("drift/web1", 1)], "and it keeps the others of its thread waiting"
    assert approved.execute("SELECT due_at FROM approval.outbox WHERE thread = 'drift/web1' AND seq = 1") == [(at,)]
    approved.execute("UPDATE approval.outbox SET due_at = clock_timestamp() WHERE thread = 'drift/web1' AND seq = 1")
    one.errors.clear()
    one.delivery._passed.clear()
    one.run()
    assert one.given[1:] == [("drift/web1", 1), ("drift/web1", 2)]


def test_what_was_claimed_comes_again_when_the_lease_is_over(recorder, tell, queue, approved):
    """Of a consumer that was killed in between, and of one whose database went away."""
    lost, heir = recorder(), recorder()
    tell("drift/web1", 1, 2)
    lost.errors["drift/web1", 1] = Unavailable("the database went away")
    with pytest.raises(Unavailable):
        lost.run()
    assert heir.run()
    assert heir.given == [], "it is leased"
    approved.execute("UPDATE approval.outbox SET leased_until = clock_timestamp() WHERE leased_until IS NOT NULL")
    heir.delivery._passed.clear()
    heir.run()
    assert heir.given == [("drift/web1", 1), ("drift/web1", 2)]
    assert queue("drift/web1") == [("delivered", 0, None)] * 2


def test_what_is_passed_over_is_left_to_others(recorder, tell):
    one, other = recorder(), recorder()
    tell("drift/web1", 1)
    tell("drift/web2", 1)
    one.passed["drift/web1"] = 600.0
    assert one.run()
    assert one.given == [("drift/web2", 1)]
    other.run()
    assert other.given == [("drift/web1", 1)]


def test_it_ends_in_time(recorder, tell):
    one = recorder()
    tell("drift/web1", 1)
    assert not one.run(for_s=0.0)
    assert one.given == []


def test_a_destination_of_another_is_left_alone(recorder, tell, approved):
    one = recorder()
    approved.execute("SELECT approval.put_route('mail', 'drift')", login="policy_admin")
    approved.execute("SELECT approval.tell('drift', 'drift/web1', '{\"n\": 1}')", login="engine")
    one.run()
    assert one.given == [("drift/web1", 1)]
    assert approved.execute("SELECT destination, state FROM approval.outbox ORDER BY 1") == [
        ("chat", "delivered"),
        ("mail", "waiting"),
    ]
