"""Stores the votes in SQLite: a confirmed vote is on the disk, and a listener has one vote per question."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from sqlalchemy import ForeignKey, create_engine, event, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, Session, mapped_column

from yardbird.errors import InputError

Expertise = Literal["newcomer", "listener", "musician", "jazz_musician"]
EXPERTISE: tuple[Expertise, ...] = get_args(Expertise)
Via = Literal["server", "file"]
MAX_WHY = 300  # characters of a reason
TRIALS = 6  # of the headphone check
_WAIT_SECONDS = 30  # for other writers: SQLite allows one at a time


class Given(NamedTuple):
    """An answer as given, with an optional reason in the listener's words."""

    answer: str
    why: str = ""


class _Base(MappedAsDataclass, DeclarativeBase):
    pass


class Listener(_Base):
    """A listener who has consented: a random id, without personal data."""

    __tablename__ = "listener"

    id: Mapped[str] = mapped_column(primary_key=True)
    expertise: Mapped[str]
    via: Mapped[str]  # server, or the file of an exported test
    headphones: Mapped[int | None] = mapped_column(default=None)  # right answers in the headphone check; None: skipped


class Vote(_Base):
    """A listener's answer to a question; the primary key prevents a second one."""

    __tablename__ = "vote"

    listener: Mapped[str] = mapped_column(ForeignKey(Listener.id), primary_key=True)
    question: Mapped[str] = mapped_column(primary_key=True)
    answer: Mapped[str]
    why: Mapped[str]


Result = TypeVar("Result", int, Given)
_Write = Callable[[Session], Any]


class VoteStore:
    """Listeners and votes. Write methods return after the disk has confirmed the write (WAL, synchronous = FULL).

    A disk confirms only tens of writes a second, so concurrent writes are combined into one transaction.

    Raises:
        InputError: the file is not such a database.
    """

    def __init__(self, path: Path) -> None:
        self._engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": _WAIT_SECONDS})

        @event.listens_for(self._engine, "connect")
        def set_pragmas(connection, _) -> None:  # type: ignore[no-untyped-def]  # SQLAlchemy's wrapper of a sqlite3 connection
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                connection.execute(f"PRAGMA {pragma}")

        try:
            _Base.metadata.create_all(self._engine)
        except DatabaseError as error:
            expected, remedy = "a database of votes", "move the file away; a new one is created"
            raise InputError(path, expected=expected, found=str(error.orig), remedy=remedy) from None
        self._waiting: SimpleQueue[tuple[_Write, Future[Any]]] = SimpleQueue()
        Thread(target=self._keep_writing, daemon=True).start()

    def add(self, listener: Listener, votes: Mapping[str, Given]) -> int:
        """Add a listener and new votes in one transaction; returns the number of new votes.

        Existing votes are kept: the first answer counts.
        """
        person = {column: getattr(listener, column) for column in Listener.__table__.columns.keys()}  # noqa: SIM118  # its items are columns

        def write(session: Session) -> int:
            session.execute(insert(Listener).values(person).on_conflict_do_nothing())
            before = len(_votes(session, person["id"]))
            rows = [{"listener": person["id"], "question": name, **given._asdict()} for name, given in votes.items()]
            if rows:
                session.execute(insert(Vote).on_conflict_do_nothing(), rows)
            return len(_votes(session, person["id"])) - before

        return self._written(write)

    def vote(self, listener: str, question: str, given: Given) -> Given:
        """Add the answer of a known listener; returns the answer that counts, which is the first one given."""

        def write(session: Session) -> Given:
            row = {"listener": listener, "question": question, **given._asdict()}
            session.execute(insert(Vote).values(row).on_conflict_do_nothing())
            return _votes(session, listener)[question]

        return self._written(write)

    def _written(self, write: Callable[[Session], Result]) -> Result:
        done: Future[Result] = Future()
        self._waiting.put((write, done))
        return done.result()

    def _keep_writing(self) -> None:
        """Commit all waiting writes in one transaction; if it fails, commit each separately."""
        while True:
            batch = [self._waiting.get()]
            while not self._waiting.empty():  # this thread is the only consumer
                batch.append(self._waiting.get())
            try:
                self._commit(batch)
            except SQLAlchemyError:
                for single in batch:
                    try:
                        self._commit([single])
                    except SQLAlchemyError as error:
                        single[1].set_exception(error)

    def _commit(self, batch: Sequence[tuple[_Write, Future[Any]]]) -> None:
        with Session(self._engine) as session, session.begin():
            results = [write(session) for write, _ in batch]
        for (_, done), result in zip(batch, results, strict=True):
            done.set_result(result)

    def votes_of(self, listener: str) -> dict[str, Given] | None:
        """Question → answer; None if no listener with that id has consented."""
        with Session(self._engine) as session:
            known = session.get(Listener, listener) is not None
            return _votes(session, listener) if known else None

    def everything(self) -> dict[str, tuple[Listener, dict[str, Given]]]:
        """Listener id → listener and answers, sorted by id."""
        with Session(self._engine, expire_on_commit=False) as session:
            people: Iterable[Listener] = session.scalars(select(Listener).order_by(Listener.id)).all()
            found: dict[str, tuple[Listener, dict[str, Given]]] = {person.id: (person, {}) for person in people}
            for vote in session.scalars(select(Vote).order_by(Vote.listener, Vote.question)):
                found[vote.listener][1][vote.question] = Given(vote.answer, vote.why)
        return found


def _votes(session: Session, listener: str) -> dict[str, Given]:
    rows = session.execute(select(Vote.question, Vote.answer, Vote.why).where(Vote.listener == listener))
    return {question: Given(answer, why) for question, answer, why in rows}
