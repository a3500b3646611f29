"""Where commands write: in `out/<command>`, and never over an earlier result, except with `--force`.

Two commands that use `reserved` never write results of one name at the same time, and the files of a result appear
together or not at all.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from yardbird.errors import InputError, WriteError, disk_fault

#: Git ignores it.
OUT = Path("out")

Force = Annotated[bool, typer.Option("--force", help="Replace an earlier result of the same name.")]


def check_out(out: Path) -> None:
    """Reject a path that is a file or is below one, or that the system does not accept."""
    with making(out):
        files = [path for path in (out, *out.parents) if path.exists() and not path.is_dir()]
    if files:
        raise InputError(files[0], expected="a folder to write to", found="a file", remedy="use another --out")


@contextlib.contextmanager
def making(folder: Path) -> Iterator[None]:
    """Raise an InputError if the block cannot make a folder. A full disk or missing permissions have their own line."""
    try:
        yield
    except OSError as error:
        if disk_fault(error):
            raise
        found = f"that it cannot be made ({error.strerror})"
        raise InputError(folder, expected="a folder to write to", found=found, remedy="use another --out") from None


Ending = Callable[[str], Iterable[Path]]  # an ending of names → the files with it


@dataclass(frozen=True)
class Place:
    """Names in a folder that no other command uses; `end` is the ending of these names."""

    folder: Path
    end: str
    _drafts: Path

    @contextlib.contextmanager
    def together(self) -> Iterator[Path]:
        """Yield an empty folder. Its files move to `folder` if the block succeeds; else `folder` does not change.

        Raises:
            WriteError: a file cannot be written; it names the file in `folder`.
        """
        draft, replaced = (Path(tempfile.mkdtemp(dir=self._drafts)) for _ in range(2))
        try:
            yield draft
            with making(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
            _move(draft, self.folder, replaced)
        except WriteError as error:
            raise WriteError(self.folder / error.path.name, error.size, error.cause) from None
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            shutil.rmtree(replaced, ignore_errors=True)


@contextlib.contextmanager
def reserved(
    folder: Path,
    names: Callable[[str], Sequence[str]],
    files: Ending,
    *,
    chosen: bool,
    force: bool,
    inside: bool = False,
) -> Iterator[Place]:
    """Hold the first free names of a result in a folder, for the duration of the block.

    Args:
        names: the names to hold, for an ending.
        files: as in `free_take`.
        inside: the first name is that of a new folder, which contains the files.

    Raises:
        InputError: there is an earlier result in a folder that the user has chosen, or another command writes one.
    """
    with contextlib.ExitStack() as held:
        for new in [above for above in (folder, *folder.parents) if not above.exists()][::-1]:
            held.callback(_remove_if_empty, new)
        end, take = "", 1
        while True:
            end, take = _next_free(files, end, take, chosen=chosen, force=force)
            drafts = [folder / f".{name}.part" for name in names(end)]
            with contextlib.ExitStack() as tried:
                # looks again, because a command that held the names may have written its result
                if all(_hold(draft, tried) for draft in drafts) and (force or not any(map(Path.exists, files(end)))):
                    held.enter_context(tried.pop_all())
                    break
            if chosen or force:
                found, remedy = "another command that writes it now", "wait for it, or use another --out"
                raise InputError(folder / names(end)[0], expected="a free name", found=found, remedy=remedy)
            take += 1
            end = f"_take{take}"
        yield Place(folder / names(end)[0] if inside else folder, end, drafts[0])


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _hold(draft: Path, held: contextlib.ExitStack) -> bool:
    """Lock a folder for drafts, and delete it when `held` ends. False if another process holds it.

    The operating system releases the lock of a process that is killed.
    """
    while True:
        with making(draft.parent):
            draft.mkdir(parents=True, exist_ok=True)
        handle = os.open(draft, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(draft), os.fstat(handle)):
                held.callback(os.close, handle)
                held.callback(shutil.rmtree, draft, ignore_errors=True)
                return True
        os.close(handle)  # the process that held it deleted it in between


def _move(draft: Path, folder: Path, replaced: Path) -> None:
    """Move all files of a folder to another one, or none."""
    moved: list[Path] = []
    try:
        for path in sorted(draft.iterdir()):
            target = folder / path.name
            if target.exists():
                target.rename(replaced / path.name)
            path.rename(target)
            moved.append(target)
    except BaseException:
        for target in moved:
            target.unlink()
        for path in replaced.iterdir():
            path.rename(folder / path.name)
        raise


def free_take(files: Ending, *, chosen: bool, force: bool) -> str:
    """The ending of the names of a result: empty, or `_take2`, `_take3`, … if there is an earlier result.

    Args:
        files: the files to write, for an ending of their names.
        chosen: the user has chosen the folder. Its names get no number; an earlier result is an error instead.
        force: earlier results are replaced.

    Raises:
        InputError: there is an earlier result in a folder that the user has chosen.
    """
    return _next_free(files, "", 1, chosen=chosen, force=force)[0]


def _next_free(files: Ending, end: str, take: int, *, chosen: bool, force: bool) -> tuple[str, int]:
    """The first ending without an earlier result, and its number. The first one tried is `end`, with number `take`."""
    while earlier := None if force else next((path for path in files(end) if path.exists()), None):
        if chosen:
            remedy = "add --force to replace it, or use another --out"
            raise InputError(earlier, expected="no earlier result", found="one", remedy=remedy)
        take += 1
        end = f"_take{take}"
    return end, take
