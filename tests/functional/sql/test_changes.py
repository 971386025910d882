"""Change numbers while several transactions are under way: none waits for another, and no change is missed."""

import psycopg
import pytest

NUMBER = "SELECT approval.change_number(7)"
NOTE = "SELECT approval.note_change('{7}')"


@pytest.fixture
def connect(database):
    """A function that gives another connection of the owner, which waits for nobody."""
    connections = []

    def open_one():
        connection = psycopg.connect(database.dsn(), options="-c lock_timeout=1ms")
        connections.append(connection)
        return connection

    yield open_one
    for connection in connections:
        connection.close()


def test_the_last_to_commit_is_seen_whoever_began_first(connect, database):
    early, late = connect(), connect()
    early.execute(NOTE)
    late.execute(NOTE)
    late.commit()
    assert database.execute(NUMBER) == [(1,)]
    database.execute("SELECT approval.maintain_changes()")
    early.commit()
    assert database.execute(NUMBER) == [(2,)]
    database.execute("SELECT approval.maintain_changes()")
    assert database.execute(NUMBER) == [(2,)]


def test_what_is_taken_back_was_no_change(connect, database):
    one = connect()
    one.execute(NOTE)
    one.rollback()
    assert database.execute(NUMBER) == [(0,)]


def test_to_add_up_is_left_to_who_is_at_it(connect, database):
    database.execute(NOTE)
    one, other = connect(), connect()
    assert one.execute("SELECT approval.maintain_changes()").fetchone() == (1,)
    assert other.execute("SELECT approval.maintain_changes()").fetchone() == (0,)
    other.execute(NOTE)
    other.commit()
    one.commit()
    assert database.execute(NUMBER) == [(2,)]
