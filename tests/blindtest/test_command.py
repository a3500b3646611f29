"""`yardbird blind-test` as a user meets it; `serve` itself is started in test_server."""

import json
import shutil
import socket
from dataclasses import asdict
from pathlib import Path

import pytest
from tiny_blind_test import RIGHT, answers, make_tiny_test

from yardbird.blindtest.bundle import KEY, BlindTest
from yardbird.blindtest.plan import BlindTestConfig
from yardbird.cli import app
from yardbird.config import read_section, read_seed
from yardbird.files import read_json, write_json


@pytest.fixture
def test(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlindTest:
    """A test in the default folder of the folder where the user is."""
    shutil.copy(root / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return make_tiny_test(tmp_path / "blind_test")[0]


def run(*arguments: object) -> object:
    with pytest.raises(SystemExit) as ended:
        app(["blind-test", *map(str, arguments)])
    return ended.value.code


def test_a_test_goes_out_as_a_file_and_its_answers_come_back(
    test: BlindTest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", "--out", "parker.html") in (0, None)
    assert "parker.html: 0.2 MB, 8 clips; keep blind_test/key.json to yourself" in capsys.readouterr().out
    Path("good.json").write_text(answers(1, dict.fromkeys(test.clips, True) | RIGHT))
    Path("bad.json").write_text("{}")
    assert run("import", "bad.json", "good.json", "good.json") == 1
    said = capsys.readouterr()
    assert said.out == "good.json: 8 answers, 8 new\ngood.json: 8 answers, 0 new\n"
    assert said.err.startswith("error: bad.json: expected answers saved by an exported blind test, found format: Field")
    assert said.err.count("\n") == 1
    assert run("results", "--json") in (0, None)
    found = json.loads(capsys.readouterr().out)
    assert (found["total"]["listeners"], found["from_files"]) == (1, 1)
    assert run("results") in (0, None)
    assert 'Judged "Charlie Parker" by 1 listeners (1 from files)' in capsys.readouterr().out


def test_without_a_test_the_way_to_one_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (["results"], ["import", "a.json"]):
        said = run(*command)
        assert said == (
            "error: blind_test: expected a blind test, found no test.json; "
            "start one with yardbird blind-test serve or export"
        )


def test_places_that_are_none_are_refused_in_one_line(test: BlindTest) -> None:
    """A file for a folder, a folder for a file, a folder of something else."""
    Path("file").touch()
    Path("other").mkdir()
    Path("other/notes.txt").touch()
    for command in (["results"], ["serve"], ["export"]):
        for folder in ("file", "other"):
            said = run(*command, "--folder", folder)
            assert said == f"error: {folder}: expected a blind test, found no test.json; give another --folder"
    said = run("export", "--out", "other")
    assert said == "error: other: expected a file to write, found a folder; give other/blind_test.html"


def test_an_empty_folder_is_where_a_test_is_made(test: BlindTest) -> None:
    """There is no corpus to make it of: the error is about that, not about the folder."""
    Path("empty").mkdir()
    said = run("serve", "--folder", "empty")
    missing = "expected a file that an earlier stage writes, found no such file; run dvc repro"
    assert said == f"error: data/augmented/manifest.csv: {missing}"


def test_a_port_in_use_is_refused_in_one_line(test: BlindTest) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = run("serve", "--port", port)
    assert said == (
        f"error: 127.0.0.1:{port}: expected a free port, found Address already in use; give another --host or --port"
    )


@pytest.mark.parametrize("url", ["", "example.org", "ftp://example.org", "https://", "https://*", "https://a.b/?c"])
def test_a_public_address_that_is_none_is_refused_in_one_line(test: BlindTest, url: str) -> None:
    said = run("serve", "--public-url", url)
    assert said == (
        f"error: --public-url: expected an address such as https://example.org, found {url!r}; "
        "give the one that listeners open"
    )


def test_an_older_test_is_gone_on_with_and_this_is_said(test: BlindTest, capsys: pytest.CaptureFixture[str]) -> None:
    run("export")
    assert "was made with other parameters and stays so; a new --folder is a new test" in capsys.readouterr().err


def test_another_limit_of_requests_makes_no_other_test(test: BlindTest, capsys: pytest.CaptureFixture[str]) -> None:
    params = asdict(read_section("blind_test", BlindTestConfig)) | {"requests_per_minute": 7}
    key = read_json(Path("blind_test") / KEY)
    write_json(Path("blind_test") / KEY, key | {"params": params, "seed": read_seed()})
    run("export")
    assert "other parameters" not in capsys.readouterr().err
