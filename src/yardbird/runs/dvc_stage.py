"""Runs single stages with DVC, from several threads at the same time."""

import contextlib
import itertools
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yardbird import files
from yardbird.dvc_lock import LOCK
from yardbird.errors import InputError
from yardbird.runs.verified_cache import verify_objects

if TYPE_CHECKING:  # the import of DVC takes a second, so only the functions that use it import it
    from dvc.repo import Repo


def open_repo(root: Path) -> "Repo":
    """The DVC repository of a folder.

    Raises:
        InputError: the folder is not the root of a DVC repository.
    """
    check_root(root)
    from dvc.repo import Repo

    return Repo(str(root))


def check_root(root: Path) -> None:
    """Raise an `InputError` if the folder is not the root of a DVC repository."""
    if not (root / ".dvc").is_dir():
        found, remedy = "no .dvc folder", "run the command in the root of the repository"
        raise InputError(root, expected="a DVC repository", found=found, remedy=remedy)


class SharedRepo:
    """A DVC repository for several threads.

    DVC's code is not made for threads, so each thread has a separate `Repo`, and one thread at a time executes DVC's
    code. Only the commands of stages run at the same time: DVC releases its lock for them, and the turn with it. Each
    thread reads dvc.yaml and dvc.lock once, not once for each stage.
    """

    def __init__(self, root: Path, say: Callable[[str], None]) -> None:
        self.root = root
        self._say = say  # receives a line for each damaged object of the cache
        self._turn = threading.Lock()
        self._lock_file = _LockFile()
        self._own = threading.local()  # the repo, stages and number of each thread
        self._numbers = itertools.count()
        self._opened = contextlib.ExitStack()

    def __enter__(self) -> "SharedRepo":
        self._opened.enter_context(_parameters_parsed_once())
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def reproduce(self, name: str, order: Sequence[str], workers: int) -> Any:
        """Run a stage if it changed, or check its outputs out, and write its entry to dvc.lock. Return DVC's stage.

        Args:
            order: the order of the entries in dvc.lock, which does not depend on which stage ends first.
            workers: the number of processes that joblib may start in the stage.

        Raises:
            DvcException: the stage failed.
        """
        from dvc.repo import lock_repo

        if not hasattr(self._own, "repo"):
            self._open()
        with lock_repo(self._own.repo), self._own.repo.scm_context():
            if not self._own.stages:
                self._own.stages = {stage.addressing: stage for stage in self._own.repo.index.stages}
            stage = self._own.stages[name]
            if _restored(stage):
                logging.getLogger("dvc").info("Stage '%s' is cached, its missing outputs are checked out", name)
                return stage
            environment = {"LOKY_MAX_CPU_COUNT": str(workers)}
            if sys.stderr.isatty():
                environment["TQDM_POSITION"] = str(self._own.number)  # each thread has a line for its progress bars
            if stage.reproduce(run_env=environment):
                self._lock_file.record(stage, order)
            return stage

    def _open(self) -> None:
        with self._turn:
            repo = self._opened.enter_context(open_repo(self.root))
        verify_objects(repo, self._say)
        repo.lock = _LockInTurn(repo.lock, self._turn)
        self._own.repo, self._own.stages, self._own.number = repo, {}, next(self._numbers)


@contextlib.contextmanager
def _parameters_parsed_once() -> Iterator[None]:
    """DVC parses params.yaml about six times for each stage that runs, which takes a tenth of a second each."""
    from dvc.dependency import param

    load, parsed = param.load_path, dict[tuple[str, bytes], Any]()

    def load_once(path: str, fs: Any, **options: Any) -> Any:
        key = path, Path(path).read_bytes()
        if key not in parsed:
            parsed[key] = load(path, fs, **options)
        return deepcopy(parsed[key])  # objects that are twice in an entry of dvc.lock would be written as aliases

    param.load_path = load_once
    try:
        yield
    finally:
        param.load_path = load


def _restored(stage: Any) -> bool:
    """Check out the missing outputs of a stage that is otherwise as in dvc.lock; False if that is not possible.

    DVC does so only if its cache holds the reports, too, which are in Git.
    """
    missing, others = ([out for out in stage.outs if bool(out.exists) == there] for there in (False, True))
    if not missing or not all(out.use_cache and out.hash_info and not out.changed_cache() for out in missing):
        return False
    if stage.changed_stage() or stage.changed_deps() or any(out.changed_checksum() for out in others):
        return False
    for out in missing:
        out.checkout()
    return True


class _LockFile:
    """dvc.lock, to which each stage that has run writes its entry.

    DVC rewrites it in place, which takes a part of a second. A stage that reads it at that moment, such as train,
    would find a part of it. Here it is replaced atomically. DVC also parses and writes the entries of all stages for
    each stage, which takes two seconds; here the text of an entry is kept for as long as nobody else changes the file.
    """

    def __init__(self) -> None:
        self._text: str | None = None  # of the file as it was last written
        self._before = ""  # its text before the entries
        self._entries = dict[str, str]()  # stage → text

    def record(self, stage: Any, order: Sequence[str]) -> None:
        """Write the entry of a stage, or its .dvc file."""
        from dvc.stage import PipelineStage
        from dvc.stage.serialize import to_lockfile

        if not isinstance(stage, PipelineStage):
            stage.dump()
            return
        path = Path(stage.repo.root_dir) / LOCK
        if not path.exists() or path.read_text(encoding="utf-8") != self._text:
            self._read(path)
        self._entries |= {name: _entry(name, entry) for name, entry in to_lockfile(stage).items()}
        places = {name: place for place, name in enumerate(order)}
        names = sorted(self._entries, key=lambda name: places.get(name, len(places)))
        self._text = "".join([self._before, "stages:\n", *(self._entries[name] for name in names)])
        files.write_text(path, self._text)
        stage.repo.scm_context.track_file(os.path.relpath(path))

    def _read(self, path: Path) -> None:
        from dvc.utils.serialize import dumps_yaml, load_yaml

        content: dict[str, Any] = {"schema": "2.0"} | (load_yaml(path) if path.exists() else {})
        stages = content.pop("stages", {})
        self._before = dumps_yaml(content)
        self._entries = {name: _entry(name, entry) for name, entry in stages.items()}


def _entry(name: str, entry: Any) -> str:
    """An entry of dvc.lock as DVC writes it."""
    from dvc.utils.serialize import dumps_yaml

    return str(dumps_yaml({"stages": {name: entry}})).removeprefix("stages:\n")


class _LockInTurn:
    """DVC's lock for one of several threads: it is taken with the turn, and both are released together."""

    def __init__(self, lock: Any, turn: threading.Lock) -> None:
        self._lock, self._turn = lock, turn

    @property
    def is_locked(self) -> bool:
        return bool(self._lock.is_locked)

    def lock(self) -> None:
        """Wait for both. A stage that has ended would lose its result because of a `dvc status` that takes long."""
        from dvc.lock import LockError

        self._turn.acquire()
        try:
            while not self.is_locked:
                with contextlib.suppress(LockError):  # each attempt takes three seconds
                    self._lock.lock()
        except BaseException:
            self._turn.release()
            raise

    def unlock(self) -> None:
        held = self.is_locked  # not if `lock` has failed: another thread may have the turn
        self._lock.unlock()
        if held:
            self._turn.release()

    def __enter__(self) -> None:
        self.lock()

    def __exit__(self, *_: object) -> None:
        self.unlock()
