"""Runs the pipeline with DVC, and reports each stage in a line."""

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from ruamel.yaml import YAML

from yardbird import files
from yardbird.config import read_params
from yardbird.errors import InputError, YardbirdError
from yardbird.runs.foreign_entries import drop_foreign_entries
from yardbird.runs.verified_cache import verify_objects

if TYPE_CHECKING:  # the import of DVC takes a second, so only the functions that use it import it
    from dvc.repo import Repo

#: Stage → seconds of its last run by `yardbird run`. Tracked, so that a fresh clone can say how long a stage takes.
#: Not JSON, because `publish` reads every JSON file in reports/ as results.
SECONDS = Path("reports/stage_seconds.yaml")
GENERATED = Path("data/generated")
Say = Callable[[str], None]


class StageFailedError(YardbirdError):
    """A stage exited with an error, which it has printed."""


class InterruptedRunError(YardbirdError):
    """The user pressed Ctrl-C."""


class NotCachedError(YardbirdError):
    """A stage would have to run, but only results in the cache were requested."""


def read_seconds(root: Path) -> dict[str, float]:
    """Stage → seconds of its last run; empty if none was measured."""
    path = root / SECONDS
    return dict(YAML(typ="safe", pure=True).load(path) or {}) if path.exists() else {}


def about(seconds: float) -> str:
    """A duration in words.

    >>> about(4), about(41), about(187)
    ('about 5 seconds', 'about 40 seconds', 'about 3 minutes')
    """
    if seconds < 55:
        return f"about {max(5, round(seconds / 5) * 5) if seconds < 20 else round(seconds / 10) * 10} seconds"
    minutes = max(1, round(seconds / 60))
    return f"about {minutes} minute{'s' if minutes > 1 else ''}"


def run_stages(
    root: Path, say: Say, expected: Mapping[str, float], *, measure: bool = False, only_cached: bool = False
) -> None:
    """Run the stages that changed, and report every stage in a line.

    Results that the run cache holds are checked out instead. Entries of dvc.lock from another machine are dropped
    first (`drop_foreign_entries`).

    Args:
        root: the repository.
        say: receives the lines.
        expected: seconds by stage, for the lines.
        measure: write the seconds of each stage that ran to reports/stage_seconds.yaml.
        only_cached: stop before the first stage that would have to run.

    Raises:
        InputError: the folder is not a DVC repository, or another process uses it.
        StageFailedError: DVC cannot read the pipeline, or a stage failed.
        InterruptedRunError: the user pressed Ctrl-C.
        NotCachedError: with `only_cached`, the cache does not hold the outputs of a stage.
    """

    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")  # progress bars in a file or a pipe would be thousands of lines
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    stop = threading.Event()
    # In the main thread DVC would ignore Ctrl-C while a stage runs, and the exit status of the stage does not show it.
    with contextlib.chdir(root), ThreadPoolExecutor(1) as worker:  # DVC's names of stages depend on the current folder
        running = worker.submit(_run, root, say, expected, measure, only_cached, stop)
        try:
            running.result()
        except KeyboardInterrupt:
            stop.set()  # the stage has received the signal, too
            running.exception()
            raise InterruptedRunError("interrupted; the same command continues") from None


@contextlib.contextmanager
def only_run(root: Path) -> Iterator[None]:
    """Keep other `yardbird` commands from running the pipeline of the repository, or from changing its parameters.

    DVC's own lock is free while a stage runs.

    Raises:
        InputError: the folder is not the root of a DVC repository, or another command runs the pipeline.
    """
    _check_root(root)
    try:
        with FileLock(root / ".dvc/tmp/yardbird.lock").acquire(timeout=0):
            yield
    except Timeout:
        raise _busy(root) from None


def open_repo(root: Path) -> "Repo":
    """The DVC repository of a folder.

    Raises:
        InputError: the folder is not the root of a DVC repository.
    """
    _check_root(root)
    from dvc.repo import Repo

    return Repo(str(root))


def _check_root(root: Path) -> None:
    if not (root / ".dvc").is_dir():
        found, remedy = "no .dvc folder", "run the command in the root of the repository"
        raise InputError(root, expected="a DVC repository", found=found, remedy=remedy)


def _busy(root: Path) -> InputError:
    found, remedy = "a running dvc or yardbird command", "wait for it, or stop it"
    return InputError(root, expected="one run at a time", found=found, remedy=remedy)


def execution_order(repo: "Repo") -> list[str]:
    """The names of the stages in an order in which they can run.

    The first solos are generated as early as possible: the ancestors of the first stage that writes below
    data/generated come first.
    """
    from dvc.repo.reproduce import get_active_graph, plan_repro

    graph = get_active_graph(repo.index.graph)  # an edge leads from a stage to one that it depends on
    plan = plan_repro(graph, repo.stage.collect(None))
    first = next((stage for stage in plan if _generates(stage, repo)), None)
    early = plan_repro(graph, [first]) if first else []
    return list(dict.fromkeys(stage.addressing for stage in [*early, *plan]))


def _generates(stage: Any, repo: "Repo") -> bool:
    folder = Path(repo.root_dir) / GENERATED
    return any(Path(out.fs_path).is_relative_to(folder) for out in stage.outs)


def _run(
    root: Path, say: Say, expected: Mapping[str, float], measure: bool, only_cached: bool, stop: threading.Event
) -> None:
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import lock_repo

    with open_repo(root) as repo, contextlib.ExitStack() as held:
        read_params()  # its errors name the line, those of DVC do not
        verify_objects(repo, say)
        try:
            held.enter_context(lock_repo(repo))  # for all stages together: else DVC reads dvc.yaml again for each one
            drop_foreign_entries(repo)
            order = execution_order(repo)
        except LockError:
            raise _busy(root) from None
        except DvcException as error:
            raise StageFailedError(f"DVC: {_one_line(error)}; fix it and run the same command again") from None
        heard = only_cached
        if not only_cached and (total := sum(expected.get(name, 0) for name in order)):
            say(f"{len(order)} stages, {about(total)} if all of them run")
        for number, name in enumerate(order, 1):
            watch = _Watch(f"stage {number} of {len(order)}, {name}", say, expected.get(name), only_cached)
            start = time.monotonic()
            if stop.is_set():
                return
            try:
                with watch:
                    repo.reproduce([name], single_item=True)
            except DvcException as error:
                raise _explained(error, watch.where, root) from None
            if measure and watch.ran:
                took = read_seconds(root) | {name: round(time.monotonic() - start, 1)}
                files.write_text(root / SECONDS, "".join(f"{each}: {took[each]}\n" for each in order if each in took))
            if not heard and (solo := _first_solo(repo, name)):
                heard = True
                if watch.ran:
                    say(f"  the first solos are ready; listen to {solo.relative_to(root.resolve())}")


def _explained(error: Exception, where: str, root: Path) -> Exception:
    from dvc.lock import LockError

    cause = error.__cause__ or error
    if isinstance(cause, LockError):
        return _busy(root)
    if isinstance(cause, NotCachedError | BrokenPipeError):
        return cause
    what = f"{where}: {_one_line(cause)}"
    return StageFailedError(f"{what}; fix it and run the same command again, which continues with this stage")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _first_solo(repo: "Repo", name: str) -> Path | None:
    (stage,) = repo.stage.collect(name)
    if not _generates(stage, repo):
        return None
    sounds = (path for out in stage.outs for path in sorted(Path(out.fs_path).rglob("*.wav")))
    return next(sounds, None)


class _Watch(logging.Handler):
    """Turns DVC's messages about one stage into a line: they say whether it runs, is cached, or is unchanged.

    As a context manager it listens to DVC's logger, in place of DVC's own handlers.
    """

    def __init__(self, where: str, say: Say, seconds: float | None, only_cached: bool) -> None:
        super().__init__(logging.INFO)
        self.where, self.ran = where, False
        self._say, self._only_cached = say, only_cached
        self._time = f", {about(seconds)}" if seconds else ""

    def __enter__(self) -> None:
        logger = logging.getLogger("dvc")
        self._before = logger.level, logger.propagate, logger.handlers
        logger.setLevel(logging.INFO)
        logger.propagate, logger.handlers = False, [self]

    def __exit__(self, *_: object) -> None:
        logger = logging.getLogger("dvc")
        level, logger.propagate, logger.handlers = self._before
        logger.setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        """
        Raises:
            NotCachedError: the stage would have to run, and only cached results are wanted.
        """
        message = record.getMessage()
        if message.startswith("Running stage"):
            if self._only_cached:
                raise NotCachedError(f"{self.where}: expected results in the cache, found none; run yardbird run")
            self.ran = True
            self._say(f"{self.where}{self._time}")
        elif "is cached" in message:
            self._say(f"{self.where}: from the cache")
        elif message.startswith("Verifying outputs"):
            self._say(f"{self.where}: frozen, its outputs are in Git")
        elif "didn't change" in message:
            self._say(f"{self.where}: unchanged")
        elif record.levelno >= logging.WARNING and "is frozen" not in message:
            self._say(message)
