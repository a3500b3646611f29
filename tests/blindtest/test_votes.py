"""The votes on the disk: one per question, the first one, also under concurrency."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from yardbird.blindtest.votes import Given, Listener, VoteStore
from yardbird.errors import InputError

YES, NO = Given("yes"), Given("no")


@pytest.fixture
def store(tmp_path: Path) -> VoteStore:
    store = VoteStore(tmp_path / "votes.sqlite")
    store.add(Listener("ann", "musician", "server", 5), {})
    return store


def test_the_first_answer_to_a_clip_counts(store: VoteStore) -> None:
    assert store.vote("ann", "a", Given("yes", "bebop")) == Given("yes", "bebop")
    assert store.vote("ann", "a", Given("no", "no bebop")) == Given("yes", "bebop")
    assert store.votes_of("ann") == {"a": Given("yes", "bebop")}


def test_of_concurrent_answers_one_is_kept_and_returned_to_all(store: VoteStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda number: store.vote("ann", "a", (YES, NO)[number % 2]), range(40)))
    assert len(set(told)) == 1
    assert store.votes_of("ann") == {"a": told[0]}


def test_votes_require_consent(store: VoteStore) -> None:
    with pytest.raises(IntegrityError):
        store.vote("bob", "a", YES)


def test_repeated_votes_change_nothing_and_new_ones_are_added(store: VoteStore) -> None:
    assert store.add(Listener("bob", "listener", "file"), {"a": YES, "b": NO}) == 2
    assert store.add(Listener("bob", "jazz_musician", "file", 6), {"a": NO, "b": NO, "c": YES}) == 1
    person, votes = store.everything()["bob"]
    assert (person.expertise, person.via, person.headphones) == ("listener", "file", None)
    assert votes == {"a": YES, "b": NO, "c": YES}
    assert store.everything()["ann"][0].headphones == 5


def test_a_reopened_file_has_the_votes(store: VoteStore, tmp_path: Path) -> None:
    store.vote("ann", "a", NO)
    assert VoteStore(tmp_path / "votes.sqlite").votes_of("ann") == {"a": NO}


def test_writes_wait_for_the_disk(store: VoteStore) -> None:
    """WAL alone would lose the last votes in a power failure: synchronous must be FULL, which is 2."""
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_a_file_that_is_not_a_database_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "votes.sqlite").write_bytes(b"no database at all, but text" * 100)
    with pytest.raises(InputError, match="expected a database of votes, found file is not a database"):
        VoteStore(tmp_path / "votes.sqlite")


def test_the_database_prevents_a_second_vote(store: VoteStore, tmp_path: Path) -> None:
    store.vote("ann", "a", YES)
    with sqlite3.connect(tmp_path / "votes.sqlite") as other, pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        other.execute("INSERT INTO vote VALUES ('ann', 'a', 'yes', '')")
