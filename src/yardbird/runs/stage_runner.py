"""Runs the pipeline, stages side by side where their dependencies allow it, with a line for each stage."""

import contextlib
import itertools
import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from yardbird import files
from yardbird.config import read_params
from yardbird.errors import InputError, YardbirdError, counted
from yardbird.runs.dvc_stage import SharedRepo, check_root, open_repo
from yardbird.runs.foreign_entries import drop_foreign_entries
from yardbird.runs.sigterm import sigterm_as_ctrl_c
from yardbird.runs.stage_order import Needs, generates, order_stages, total_seconds
from yardbird.runs.verified_cache import verify_objects

#: Stage → seconds of its last run by `yardbird run`. Tracked, so that a fresh clone can say how long a stage takes.
#: Not JSON, because `publish` reads every JSON file in reports/ as results.
SECONDS = Path("reports/stage_seconds.yaml")
Say = Callable[[str], None]
_INTERRUPTED = "interrupted; the same command continues"


class StageFailedError(YardbirdError):
    """A stage exited with an error, which it has printed."""


class InterruptedRunError(YardbirdError):
    """The user pressed Ctrl-C, or the process was asked to end."""


def read_seconds(root: Path) -> dict[str, float]:
    """Stage → seconds of its last run; empty if none was measured."""
    path = root / SECONDS
    return dict(read_params(path)) if path.exists() else {}


def about(seconds: float) -> str:
    """A duration in words.

    >>> about(4), about(41), about(187)
    ('about 5 seconds', 'about 40 seconds', 'about 3 minutes')
    """
    if seconds < 55:
        return f"about {max(5, round(seconds / 5) * 5) if seconds < 20 else round(seconds / 10) * 10} seconds"
    minutes = max(1, round(seconds / 60))
    return f"about {minutes} minute{'s' if minutes > 1 else ''}"


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_jobs() -> int:
    """One stage for each core; one in all with a GPU, whose memory the trainings would share."""
    return 1 if shutil.which("nvidia-smi") else cores()


def run_stages(
    root: Path,
    say: Say,
    expected: Mapping[str, float],
    *,
    jobs: int | None = None,
    measure: bool = False,
) -> None:
    """Run the stages that changed, side by side where their dependencies allow it, and report every stage in a line.

    Results that the run cache holds are checked out instead. Entries of dvc.lock from another machine are dropped
    first (`drop_foreign_entries`). If a stage fails, those that are running end normally, and no other stage starts.
    The results, dvc.lock included, do not depend on `jobs`.

    Args:
        root: the repository.
        say: receives the lines.
        expected: seconds by stage, for the lines and for the order in which stages start.
        jobs: the largest number of stages at the same time; by default `default_jobs`.
        measure: write the seconds of each stage that ran to reports/stage_seconds.yaml.

    Raises:
        InputError: the folder is not a DVC repository, or another process uses it.
        StageFailedError: DVC cannot read the pipeline, or stages failed.
        InterruptedRunError: the user pressed Ctrl-C, or the process received SIGTERM.
    """
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")  # progress bars in a file or a pipe would be thousands of lines
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    jobs = jobs or default_jobs()
    if jobs > 1 and sys.stdout.isatty():
        say = _clearing(say)
    try:
        with sigterm_as_ctrl_c(), contextlib.chdir(root):  # DVC's names of stages depend on the current folder
            needs = _prepare(root, say, expected)
            if total := total_seconds(needs, expected, jobs):
                say(f"{counted(len(needs), 'stage')}, {about(total)} if all of them run")
            has_solo = False
            for ended in _run(root, needs, say, expected, jobs):
                if measure and ended.ran:
                    took = read_seconds(root) | {ended.name: round(ended.seconds, 1)}
                    text = "".join(f"{name}: {took[name]}\n" for name in needs if name in took)
                    files.write_text(root / SECONDS, text)
                if ended.solo and not has_solo:
                    has_solo = True
                    if ended.ran:
                        say(f"  the first solos are ready; listen to {ended.solo.relative_to(root.resolve())}")
    except KeyboardInterrupt:
        raise InterruptedRunError(_INTERRUPTED) from None


@contextlib.contextmanager
def only_run(root: Path) -> Iterator[None]:
    """Keep other `yardbird` commands from running the pipeline of the repository, or from changing its parameters.

    DVC's own lock is free while a stage runs.

    Raises:
        InputError: the folder is not the root of a DVC repository, or another command runs the pipeline.
    """
    check_root(root)
    try:
        with FileLock(root / ".dvc/tmp/yardbird.lock").acquire(timeout=0):
            yield
    except Timeout:
        raise busy(root) from None


def busy(root: Path) -> InputError:
    found, remedy = "a running dvc or yardbird command", "wait for it, or stop it"
    return InputError(root, expected="one run at a time", found=found, remedy=remedy)


def _clearing(say: Say) -> Say:
    """On a terminal, replace the progress bar of another stage on the line by what is said."""
    return lambda line: say(f"\r\x1b[K{line}")


def _prepare(root: Path, say: Say, expected: Mapping[str, float]) -> Needs:
    """Drop the entries of dvc.lock from another machine, and order the stages."""
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import lock_repo

    with open_repo(root) as repo:
        read_params()  # its errors name the line, those of DVC do not
        verify_objects(repo, say)
        try:
            with lock_repo(repo):
                drop_foreign_entries(repo)
                return order_stages(repo, expected)
        except LockError:
            raise busy(root) from None
        except DvcException as error:
            raise StageFailedError(f"DVC: {_one_line(error)}; fix it and run the same command again") from None


@dataclass(frozen=True)
class _Ended:
    """A stage that has ended without an error."""

    name: str
    ran: bool  # it was neither unchanged nor in the cache
    seconds: float
    solo: Path | None  # one of its sounds, if it writes generated solos


def _run(root: Path, needs: Needs, say: Say, expected: Mapping[str, float], jobs: int) -> Iterator[_Ended]:
    """Run the stages in threads, each as soon as those that it needs have ended, and yield them as they end."""
    waiting, running, ended = list(needs), dict[Future[_Ended], str](), set[str]()
    failures: list[YardbirdError] = []
    lines = _Lines(say, len(needs), expected)
    # At the end, also after Ctrl-C, the pool waits for the stages that run. They have received the signal, too. In the
    # main thread DVC would ignore Ctrl-C while a stage runs, and the exit status of the stage does not show it.
    with lines, SharedRepo(root, say) as repo, ThreadPoolExecutor(jobs) as threads:
        while running or (waiting and not failures):
            ready = [name for name in waiting if needs[name] <= ended and not failures]
            for name in ready[: jobs - len(running)]:
                waiting.remove(name)
                workers = max(1, cores() - len(running))
                running[threads.submit(_reproduce, name, repo, lines, list(needs), workers)] = name
            try:
                done = wait(running, return_when=FIRST_COMPLETED).done
            except KeyboardInterrupt:
                lines.stopping = True
                raise
            for future in done:
                name = running.pop(future)
                try:
                    result = future.result()
                except YardbirdError as error:
                    failures.append(error)
                    if running:
                        say(f"{name} failed; waiting for {', '.join(running.values())}")
                else:
                    ended.add(name)
                    yield result
    if len(failures) == 1:
        raise failures[0]
    if failures:
        for failure in failures[:-1]:
            print(f"error: {failure}", file=sys.stderr)
        raise StageFailedError(str(failures[-1]))


def _reproduce(name: str, repo: SharedRepo, lines: "_Lines", order: list[str], workers: int) -> _Ended:
    """Run one stage in a thread.

    Raises:
        YardbirdError: the stage or DVC failed.
        BrokenPipeError: nobody reads the lines any more.
    """
    start = time.monotonic()
    with lines.about(name) as line:
        try:
            stage = repo.reproduce(name, order, workers)
        except (YardbirdError, BrokenPipeError):
            raise
        except Exception as error:  # what a plugin of DVC may raise; `dvc repro` treats each as a failed stage
            raise _explained(error, line.where, repo.root) from None
    sounds = (path for out in stage.outs for path in sorted(Path(out.fs_path).rglob("*.wav")))
    return _Ended(name, line.ran, time.monotonic() - start, next(sounds, None) if generates(stage) else None)


def _explained(error: Exception, where: str, root: Path) -> YardbirdError:
    from dvc.lock import LockError

    if isinstance(error, LockError):
        return busy(root)
    what = f"{where}: {_one_line(error)}"
    return StageFailedError(f"{what}; fix it and run the same command again, which continues with this stage")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


@dataclass
class _Line:
    """What is said about one stage."""

    name: str
    numbers: Iterator[str]
    ran: bool = False
    number: str = ""

    @property
    def where(self) -> str:
        """Stages are numbered in the order in which their lines appear."""
        self.number = self.number or next(self.numbers)
        return f"stage {self.number}, {self.name}"


class _Lines(logging.Handler):
    """Turns DVC's messages about a stage into a line: they say whether it runs, is cached, or is unchanged.

    As a context manager it listens to DVC's logger, in place of DVC's own handlers. A message is about the stage of the
    thread that sends it.
    """

    def __init__(self, say: Say, total: int, expected: Mapping[str, float]) -> None:
        super().__init__(logging.INFO)
        self._say, self._expected = say, expected
        self._numbers = (f"{number} of {total}" for number in itertools.count(1))
        self._here = threading.local()
        self.stopping = False  # no other stage may begin to run

    def __enter__(self) -> None:
        logger = logging.getLogger("dvc")
        self._before = logger.level, logger.propagate, logger.handlers
        logger.setLevel(logging.INFO)
        logger.propagate, logger.handlers = False, [self]

    def __exit__(self, *_: object) -> None:
        logger = logging.getLogger("dvc")
        level, logger.propagate, logger.handlers = self._before
        logger.setLevel(level)

    @contextlib.contextmanager
    def about(self, name: str) -> Iterator[_Line]:
        """In the block, messages of this thread are about stage `name`."""
        self._here.line = _Line(name, self._numbers)
        try:
            yield self._here.line
        finally:
            del self._here.line

    def emit(self, record: logging.LogRecord) -> None:
        """
        Raises:
            InterruptedRunError: the stage would have to run, and the run has been interrupted.
        """
        message, line = record.getMessage(), getattr(self._here, "line", None)
        if line is None:  # from a thread of DVC
            if record.levelno >= logging.WARNING:
                self._say(message)
        elif message.startswith("Running stage"):
            if self.stopping:
                raise InterruptedRunError(_INTERRUPTED)
            line.ran = True
            seconds = self._expected.get(line.name)
            self._say(f"{line.where}{f', {about(seconds)}' if seconds else ''}")
        elif "is cached" in message:
            self._say(f"{line.where}: from the cache")
        elif message.startswith("Verifying outputs"):
            self._say(f"{line.where}: frozen, its outputs are in Git")
        elif "didn't change" in message:
            self._say(f"{line.where}: unchanged")
        elif record.levelno >= logging.WARNING:
            self._say(message)
