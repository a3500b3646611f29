"""Several processes, a Dask and a Ray cluster, shards, and a stage that was killed give the bytes of one process."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from yardbird import files
from yardbird.codecs.encoded_corpus import encode_corpus
from yardbird.codecs.melody import MelodyConfig
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.config import read_section
from yardbird.data.augmentation import AugmentConfig, augment
from yardbird.data.cutting import make_clips
from yardbird.data.etudes.compose import ComposeConfig, compose
from yardbird.data.ingest import ingest
from yardbird.data.manifest import read_solos
from yardbird.data.reading import IngestConfig
from yardbird.data.source_sounds import AudioConfig
from yardbird.data.splitting import SplitConfig
from yardbird.execution import ExecutionConfig, use_workers
from yardbird.metrics.solo_metrics import describe, describe_all
from yardbird.music.midi import read_score
from yardbird.shards import PLAIN, Shards
from yardbird.tables.copies_table import read_copies

ONE = ExecutionConfig(backend="local", address=None, workers=1)
SOLOS, COPIES = 5, 12
#: Content by path.
Bytes = dict[str, bytes]


@pytest.fixture(autouse=True)
def one_process() -> Iterator[None]:
    use_workers(ONE)
    yield
    use_workers(replace(ONE, workers=None))


@pytest.fixture(scope="module")
def etudes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five etudes, a copy of one and a broken file."""
    folder = tmp_path_factory.mktemp("etudes") / "in"
    compose(0, ComposeConfig(SOLOS), folder)
    (folder / "manifest.csv").unlink()
    (folder / "etude_002_copy.mid").write_bytes((folder / "etude_002.mid").read_bytes())
    (folder / "broken.mid").write_bytes(b"RIFF")
    return folder


@pytest.fixture(scope="module")
def run(etudes: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that runs the stages on the etudes and returns the folder of their outputs."""

    def section(name: str, kind: type) -> object:
        return read_section(name, kind, root / "params.yaml")

    def stages(shards: Shards = PLAIN, *, clips: bool = False) -> Path:
        out = tmp_path_factory.mktemp("out")
        ingest(etudes, "mine", section("ingest", IngestConfig), out / "ingested/mine", shards)
        rows = read_solos(out / "ingested", ["mine"])
        splits = dict(zip([row.solo for row in rows], ["train", "train", "train", "validation", "test"], strict=True))
        config = replace(section("augment", AugmentConfig), target_size=COPIES)
        augment(rows, out / "ingested", splits, out / "augmented", config, 0, shards=shards)
        for name, kind in (("events", EncodeConfig), ("melody", MelodyConfig)):
            encode_corpus(out / "augmented", out / name, section(f"encode.{name}", kind), shards)
        if clips:
            (out / "recordings").mkdir()
            audio = replace(section("audio", AudioConfig), source=str(out / "recordings"), training_seconds=1.0)
            make_clips(out / "augmented", out / "clips", audio, section("split", SplitConfig), 0)
        return out

    return stages


@pytest.fixture(scope="module")
def plain(run: Callable[..., Path]) -> Path:
    """The outputs of one process."""
    return run(clips=True)


def content(folder: Path) -> Bytes:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def scores_of(augmented: Path) -> dict[str, bytes]:
    return {row.copy: files.read_bytes(augmented / row.path) for row in read_copies(augmented)}


def test_two_processes_give_the_bytes_of_one(run: Callable[..., Path], plain: Path) -> None:
    use_workers(replace(ONE, workers=2))
    two = content(run())
    assert two == {path: text for path, text in content(plain).items() if not path.startswith("clips/")}


@pytest.mark.slow
def test_two_processes_render_the_bytes_of_one(run: Callable[..., Path], plain: Path) -> None:
    use_workers(replace(ONE, workers=2))
    assert content(run(clips=True)) == content(plain)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_ray_cluster_gives_the_bytes_of_one_process(
    run: Callable[..., Path], plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "200")  # on a busy machine
    pytest.importorskip("ray", reason="Ray is not installed: pip install '.[ray]'")
    use_workers(ExecutionConfig(backend="ray", address=None, workers=2))
    assert content(run(clips=True)) == content(plain)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_dask_cluster_gives_the_bytes_of_one_process(run: Callable[..., Path], plain: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install '.[dask]'")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        use_workers(ExecutionConfig(backend="dask", address=cluster.scheduler_address, workers=None))
        assert content(run(clips=True)) == content(plain)
        distributed.default_client().close()


def test_shards_hold_the_files_of_the_folder(run: Callable[..., Path], plain: Path, tmp_path: Path) -> None:
    sharded = run(Shards(4, lambda: tmp_path / "work" / "key"))
    assert sorted(path.name for path in (sharded / "augmented/scores").iterdir()) == [
        "00000.zip", "00001.zip", "00002.zip",
    ]  # fmt: skip
    assert read_copies(sharded / "augmented")[-1].path.startswith("scores/00002.zip/mine/etude_")
    assert scores_of(sharded / "augmented") == scores_of(plain / "augmented")
    for row in read_solos(sharded / "ingested", ["mine"]):
        assert ".zip/" in row.path
        assert (
            files.read_bytes(sharded / "ingested" / row.path)
            == (plain / "ingested" / f"mine/scores/{Path(row.path).name}").read_bytes()
        )
    rejected = "ingested/mine/rejected.csv"
    assert (sharded / rejected).read_bytes() == (plain / rejected).read_bytes()
    for codec in ("events", "melody"):
        assert content(sharded / codec) == content(plain / codec)
    assert not (tmp_path / "work").exists(), "finished stages keep no shards"


def test_a_killed_stage_continues_after_its_last_shard(
    run: Callable[..., Path], plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, work = tmp_path / "augmented", tmp_path / "work/key"
    rows = read_solos(plain / "ingested", ["mine"])
    splits = {row.solo: row.split for row in read_copies(plain / "augmented")}
    config = replace(read_section("augment", AugmentConfig), target_size=COPIES)
    written: list[str] = []

    def write(path: str, content: bytes) -> None:
        written.append(path)
        if len(written) == 7:  # in the second shard
            raise KeyboardInterrupt
        write_to_draft(path, content)

    write_to_draft = files.write_to_draft
    monkeypatch.setattr(files, "write_to_draft", write)
    arguments = (rows, plain / "ingested", splits, out, config, 0, (), Shards(4, lambda: work))
    with pytest.raises(KeyboardInterrupt):
        augment(*arguments)
    assert [path.name for path in work.iterdir()] == ["00000"]
    assert not out.exists()
    augment(*arguments)
    assert len(written) == 7 + COPIES - 4, "the first shard was not computed again"
    assert scores_of(out) == scores_of(plain / "augmented")
    assert not work.exists()


def test_the_metrics_of_several_processes_are_those_of_one(plain: Path) -> None:
    scores = [read_score(plain / "augmented" / row.path) for row in read_copies(plain / "augmented")]
    use_workers(replace(ONE, workers=2))
    assert describe_all(scores) == [describe(score) for score in scores]
