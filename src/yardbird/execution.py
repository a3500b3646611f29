"""Work over many items in several processes: on the cores of this machine, or on the workers of a Ray or Dask cluster.

Section `execution` of params.yaml says where, and joblib does the rest. Neither the backend nor the number of workers
changes a result: each item is computed independently of the others, and the results keep the order of the items.
"""

import functools
import itertools
import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from yardbird.config import PARAMS, PositiveInt, Settings, read_section
from yardbird.errors import ConfigError, YardbirdError
from yardbird.progress import progress
from yardbird.time_budget import check_time

if TYPE_CHECKING:  # joblib is imported when the first worker starts
    from joblib import Parallel

Item = TypeVar("Item")
Result = TypeVar("Result")

_WINDOW = 1024  # items per worker between two moments at which all workers have finished: limits the waiting results


@dataclass(frozen=True)
class ExecutionConfig(Settings, section="execution"):
    """Section `execution` of params.yaml."""

    backend: Literal["local", "ray", "dask"]
    address: str | None  # of the scheduler of a cluster; None: this process starts a cluster on this machine
    workers: PositiveInt | None  # None: local, as many as pay, at most one per core; on a cluster, all


_LOCAL = ExecutionConfig(backend="local", address=None, workers=None)
_current = _LOCAL  # of this process


def prepare_workers() -> None:
    """Read section `execution` of params.yaml. Until then, and in commands, this machine's cores do the work."""
    use_workers(read_section("execution", ExecutionConfig))


def use_workers(config: ExecutionConfig) -> None:
    """Set the backend and the number of workers of this process for all later calls of `over_processes`."""
    global _current  # a setting of the process, like the threads of torch
    _current = config


def over_processes(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    doing: str,
    unit: str,
    total: int | None = None,
    items_per_worker: int = 1,
) -> Iterator[Result]:
    """Yield `function(item)` for each item, in the order of the items.

    Items are taken when a worker is free, and at most a thousand results per worker wait in memory. Workers end if the
    caller stops, if Ctrl-C is pressed, or if an item fails. With one worker, this process does the work.

    Args:
        function: a function at the top level of a module, or a `partial` of one. It must not depend on the state of
            this process: random streams, threads of torch and open files are those of the worker.
        doing: the text before the progress bar.
        total: the number of items, if `items` has no length.
        items_per_worker: the fewest items whose work takes longer than the start of a worker, 1 to 3 seconds. It
            limits the workers on this machine if section `execution` gives no number.

    Raises:
        YardbirdError: what `function` raised for the first item that fails; or the time of `time_budget` is over.
    """
    if total is None:
        assert isinstance(items, Sequence), "an iterable without a length needs `total`"
        total = len(items)
    workers = _workers(total // items_per_worker)
    with progress(total=total, doing=doing, unit=unit) as watched:
        for result in map(function, items) if workers == 1 else _in_workers(function, items, workers):
            watched.update()
            check_time()
            yield result


def _workers(most: int) -> int:
    """The number of workers; -1: all that the cluster has."""
    if _current.workers is not None or _current.backend != "local":
        return _current.workers or -1
    if most <= 1:
        return 1
    from joblib import cpu_count

    return min(int(cpu_count()), most)


@dataclass(frozen=True)
class _Failed:
    """An error that a user can fix, as the result of an item, so that the first in the order of the items is raised."""

    error: YardbirdError


@dataclass(frozen=True)
class _Guarded(Generic[Item, Result]):
    """The function as a worker calls it."""

    function: Callable[[Item], Result]
    folder: str  # to which relative paths refer

    def __call__(self, item: Item) -> Result | _Failed:
        os.chdir(self.folder)  # a worker of a cluster may have been started elsewhere
        use_workers(replace(_LOCAL, workers=1))  # a worker starts no workers
        try:
            return self.function(item)
        except YardbirdError as error:
            return _Failed(error)


def _in_workers(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    from joblib import delayed

    guarded = delayed(_Guarded(function, os.getcwd()))
    pool, waiting = _pool(workers), iter(items)
    for first in waiting:
        window = itertools.chain([first], itertools.islice(waiting, _WINDOW * abs(workers) - 1))
        with _silent_end(), closing(_results(pool, map(guarded, window))) as results:
            for result in results:
                if isinstance(result, _Failed):
                    raise result.error
                yield result


@contextmanager
def _silent_end() -> Iterator[None]:
    """Hide what joblib reports if its work is stopped before the end: results that nobody takes."""
    report = threading.excepthook

    def report_others(error: threading.ExceptHookArgs) -> None:
        if not (error.exc_type is KeyError and error.thread and error.thread.name == "ExecutorManagerThread"):
            report(error)

    threading.excepthook = report_others
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"\d+ tasks (have been|which were still)")
            yield
    finally:
        threading.excepthook = report


def _results(pool: "Parallel", tasks: Iterable[Any]) -> Generator[Any, None, None]:
    yield from pool(tasks)  # a list from Ray, whose backend has no generator


def _pool(workers: int) -> "Parallel":
    from joblib import Parallel, parallel_config

    if _current.backend != "local":
        _join_cluster(_current)
    if _current.backend == "ray":
        return _ray_pool(workers)
    options: dict[str, Any] = {"backend": "dask"}
    if _current.backend == "local":
        starting = {"initializer": _start_worker, "initargs": (os.getpid(),)}
        options = {"backend": "loky", "inner_max_num_threads": 1, **starting}
    with parallel_config(n_jobs=workers, max_nbytes=None, **options):  # None: arrays are not mapped to files
        return Parallel(return_as="generator")


@functools.cache
def _ray_pool(workers: int) -> "Parallel":
    """One pool for the whole process, because Ray starts new workers for each."""
    from joblib import Parallel, parallel_config

    with parallel_config(backend="ray", n_jobs=workers, max_nbytes=None):
        pool: Parallel = Parallel().__enter__()
    return pool


def _start_worker(parent: int) -> None:
    """Prepare a worker on this machine."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all processes; the parent ends its workers
    threading.Thread(target=_end_after, args=[parent], daemon=True).start()
    from joblib.externals.loky import process_executor

    # loky mistakes the import of torch for a leak, and would start the worker again
    process_executor._MAX_MEMORY_LEAK_SIZE = sys.maxsize


def _end_after(parent: int) -> None:
    """End this worker when its parent has been killed: joblib would keep its memory and its open files for minutes."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


@functools.cache
def _join_cluster(config: ExecutionConfig) -> None:
    """Connect this process to the cluster until it ends, or start one on this machine.

    Raises:
        ConfigError: the package of the backend is not installed, or the scheduler does not answer.
    """
    try:
        (_join_ray if config.backend == "ray" else _join_dask)(config)
    except ImportError:
        expected, found = "an installed backend", f"{config.backend}; pip install '.[{config.backend}]' installs it"
        raise ConfigError(PARAMS, "execution.backend", expected=expected, found=found) from None
    except (ConnectionError, OSError, TimeoutError) as error:
        found = f"{config.address} ({str(error).splitlines()[0]})"
        raise ConfigError(PARAMS, "execution.address", expected="a scheduler that answers", found=found) from None


def _join_ray(config: ExecutionConfig) -> None:
    import ray
    from ray.util.joblib import register_ray

    where = {"address": config.address} if config.address else {"address": "local", "num_cpus": config.workers}
    ray.init(**where, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    register_ray()  # type: ignore[no-untyped-call]  # ray leaves it unannotated


def _join_dask(config: ExecutionConfig) -> None:
    from distributed import Client

    # The new client becomes the default, which joblib uses.
    if config.address:
        Client(config.address)  # type: ignore[no-untyped-call]  # distributed leaves it unannotated
    else:
        Client(n_workers=config.workers, threads_per_worker=1, dashboard_address=None)  # type: ignore[no-untyped-call]  # as above
