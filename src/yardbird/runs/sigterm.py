"""Ends a run that receives SIGTERM, with its stages."""

import contextlib
import signal
import threading
from collections.abc import Iterator

import psutil


@contextlib.contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """On SIGTERM, end the running stages and interrupt this process; a terminal sends Ctrl-C to all of them.

    The stages get SIGTERM, too: in the background of a script they would ignore Ctrl-C.
    """

    def interrupt(*_: object) -> None:
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only that one receives signals
        yield
        return
    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
