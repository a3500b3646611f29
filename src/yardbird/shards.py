"""Corpora of many small files, computed part by part in several processes.

A stage that writes one file per solo divides its solos into parts. A worker writes each part to a separate folder, and
the stage joins the parts in their order. An output of at most `shard_files` solos (params.yaml) is a plain folder. A
larger one has one zip file without compression per part, a shard, because file systems and DVC are slow with 100,000
files; `yardbird.files.read_bytes` reads a file inside a shard by its path, `scores/00003.zip/solo.mid`. The shards of a
killed stage are kept outside its outputs, and the same stage continues after the last complete one.
"""

import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from yardbird import files
from yardbird.config import PositiveInt, read_section
from yardbird.execution import over_processes
from yardbird.pipeline import stage_hash

Item = TypeVar("Item")

_PART_FILES = 32  # of an output without shards

#: Writes the results of some items to a folder.
Compute = Callable[[Sequence[Item], Path], None]


@dataclass(frozen=True)
class Shards:
    """When an output is divided into shards, and where the shards of an unfinished stage are kept."""

    files: int = sys.maxsize  # the most files of a plain folder, and of a shard
    work: Callable[[], Path] | None = None  # None: nothing is kept

    def are_needed(self, total: int) -> bool:
        return total > self.files


PLAIN = Shards()


def stage_shards(stage: str) -> Shards:
    """The shards of a stage of dvc.yaml, kept in `.shards/<stage>/<key>`, where the key is `stage_hash`."""
    return Shards(read_section("shard_files", PositiveInt), lambda: Path(".shards") / stage / stage_hash(stage))


@dataclass(frozen=True)
class Part:
    """The folder that holds the results of consecutive items. Its small files are in one folder in it, `small`."""

    folder: Path
    archive: str  # the name of its shard; empty in an output without shards
    small: str

    def path(self, path: str) -> str:
        """Where the file `path`, which starts with `small`, is in the output."""
        return path.replace(self.small, f"{self.small}/{self.archive}", 1) if self.archive else path

    def give_files(self, output: Path, paths: Iterable[str]) -> None:
        """Link the shard, which is kept until the stage ends, or else move the files `paths` into the output."""
        if self.archive:
            (output / self.small).mkdir(exist_ok=True)
            _link(self.folder / f"{self.small}.zip", output / self.small / self.archive)
        for path in paths if not self.archive else ():
            source, target = f"{self.folder}/{path}", f"{output}/{path}"
            try:
                os.rename(source, target)
            except FileNotFoundError:  # the first file of its folder
                os.makedirs(os.path.dirname(target), exist_ok=True)
                os.rename(source, target)


@contextmanager
def computed_parts(
    compute: Compute[Item],
    items: Iterable[Item],
    total: int,
    shards: Shards,
    *,
    output: Path,
    small: str,
    doing: str,
    items_per_worker: int,
) -> Iterator[Iterator[Part]]:
    """The parts of `items`, in order, computed by workers. All are deleted after the block, if it succeeds.

    Args:
        compute: writes the results of some items to a folder; a function as in `over_processes`.
        output: the draft of the output. A cluster's workers must share this file system.
        small: the folder, in that folder, of the files that are packed if the output needs shards; empty: none.

    Raises:
        YardbirdError: what `compute` raised for the first part that fails.
    """
    sharded = shards.are_needed(total)
    size = shards.files if sharded else _PART_FILES
    keep = shards.work if sharded else None
    work = keep() if keep else output / ".parts"
    done = over_processes(
        partial(_compute, compute, small if sharded else ""),
        ((work / f"{number:05}", chunk) for number, chunk in enumerate(_chunks(items, size))),
        total=-(-total // size),
        doing=doing,
        unit="shard" if sharded else "part",
        items_per_worker=-(-items_per_worker // size),
    )
    yield (Part(folder, f"{folder.name}.zip" if sharded else "", small) for folder in done)
    shutil.rmtree(work.parent if keep else work)  # with the shards of earlier settings and data


def _compute(compute: Compute[Item], packed: str, task: tuple[Path, Sequence[Item]]) -> Path:
    folder, items = task
    if not folder.exists():  # else an earlier run of the stage has computed it
        with files.replacing_folder(folder) as draft:
            compute(items, draft)
            if packed:
                files.zip_folder(draft / packed, draft / f"{packed}.zip")
                shutil.rmtree(draft / packed)
    return folder


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    waiting = iter(items)
    while chunk := list(itertools.islice(waiting, size)):
        yield chunk


def _link(file: Path, target: Path) -> None:
    try:
        target.hardlink_to(file)
    except OSError:  # another file system, or one without links
        shutil.copyfile(file, target)
