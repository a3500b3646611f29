"""Fixtures and settings of all tests. Torch uses one thread: two threads make small tensors ten times slower."""

import gc
import os
import signal
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from yardbird.config import read_section
from yardbird.data.ingest import ingest
from yardbird.data.manifest import read_solos
from yardbird.data.reading import IngestConfig
from yardbird.music.chords import Chord
from yardbird.music.midi import read_score
from yardbird.music.score import ChordChange, Score, make_notes

VAE = "yardbird.models.music_vae"
SHAPED = ["yardbird.nn", "yardbird.models.music_transformer", f"{VAE}.vae_network", f"{VAE}.step_decoder"]
jaxtyping.install_import_hook(SHAPED, "beartype.beartype")
# A job in the background of a shell ignores Ctrl-C, and so would the processes that tests start and interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"

#: `make test-slow` tries four times as many examples of each property, except where a test sets the number.
settings.register_profile("default", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=100)
settings.load_profile("default")


#: The longest files of the slow suite, the longest first, so that neither worker is alone with one of them at the end.
LONGEST = (
    "test_pipeline.py", "test_interpreters.py", "test_studio_browser.py", "test_blindtest_browser.py",
    "test_moved_repository.py", "test_store_servers.py", "test_listening.py", "test_solos.py",
    "test_train_stage_on_ranks.py", "test_fuzzed_readers.py", "test_two_at_once.py", "test_damaged_files.py",
)  # fmt: skip


#: The longest folders of the default suite. The first has no test of the decoder, which one worker compiles first.
LONGEST_FOLDERS = (
    "data", "models", "tracking", "faults", "nn", "runs", "latent", "blindtest", "generation", "training", "evaluation",
    "music", "metrics", "studio",
)  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the longest folders first; in the slow suite, which gives each file to one worker, the longest files."""
    by_folder = config.getvalue("markexpr") == "not slow"
    places = {name: place for place, name in enumerate(LONGEST_FOLDERS if by_folder else LONGEST)}
    items.sort(key=lambda item: places.get(item.path.parent.name if by_folder else item.path.name, len(places)))


def pytest_collection_finish() -> None:
    """Collect garbage less often and skip the objects of the libraries, which saves a twentieth of the time."""
    gc.freeze()
    gc.set_threshold(10_000, 50, 100)


class FolderScheduling(LoadScopeScheduling):
    """Gives all tests of a folder to one worker; those in no folder, all tests of a file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        folder = file.rpartition("/")[0]
        return file if folder == "tests" else folder


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FolderScheduling | None:
    """With `--dist loadscope`: the tests of a folder share imports and fixtures, which take seconds."""
    return FolderScheduling(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture(autouse=True)
def shapes_checked(request: pytest.FixtureRequest) -> None:
    """Check the shapes in annotations in the tests of layers and models only: it takes longer than a tiny network."""
    checked = request.path.parent.name in {"nn", "models"}
    jaxtyping.config.update("jaxtyping_disable", not checked)


@pytest.fixture(autouse=True)
def subnormal_numbers() -> None:
    """Opening a model flushes subnormal numbers to zero in the whole process; hypothesis requires them for floats."""
    if torch := sys.modules.get("torch"):
        torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real solos, which is not part of the repository."""
    if not SHARED.is_dir():
        pytest.skip("the folder of real solos, ../shared/data, is absent")
    return SHARED


@pytest.fixture(scope="session")
def ingest_config(root: Path) -> IngestConfig:
    """Section `ingest` of params.yaml."""
    return read_section("ingest", IngestConfig, root / "params.yaml")


@pytest.fixture(scope="session")
def ingested(shared: Path, ingest_config: IngestConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 73 real solos as the ingest stage leaves them."""
    folder = tmp_path_factory.mktemp("ingested")
    for source in ("parker", "coltrane"):
        ingest(shared / source, source, ingest_config, folder / source)
    return folder


@pytest.fixture(scope="session")
def real_solos(ingested: Path) -> dict[str, Score]:
    """The real solos by id."""
    return {row.solo: read_score(ingested / row.path) for row in read_solos(ingested, ["parker", "coltrane"])}


@pytest.fixture
def make_score() -> Callable[..., Score]:
    """A score of 480 ticks per beat from (onset beats, duration beats, pitch) rows and (beat, symbol) chords."""

    def make(
        rows: list[tuple[float, float, int]], chords: list[tuple[float, str]] | None = None, beats: float | None = None
    ) -> Score:
        ticks = [(round(onset * 480), round(length * 480), pitch, 90) for onset, length, pitch in rows]
        end = beats * 480 if beats is not None else max((onset + length for onset, length, *_ in ticks), default=0)
        changes = tuple(ChordChange(round(beat * 480), Chord.parse(symbol)) for beat, symbol in chords or [])
        return Score(480, make_notes(np.array(ticks, dtype=np.int64).reshape(-1, 4)), int(end), chords=changes)

    return make
