"""`yardbird blind-test` as a user runs it; test_server starts `serve`."""

import json
import shutil
import socket
from dataclasses import asdict
from pathlib import Path

import pytest
from tiny_blind_test import RIGHT, YES, answers, make_tiny_test

from yardbird.blindtest.bundle import KEY, BlindTest
from yardbird.blindtest.plan import BlindTestConfig
from yardbird.blindtest.votes import Given
from yardbird.cli import app
from yardbird.config import read_section, read_seed
from yardbird.files import read_json, write_json


@pytest.fixture
def test(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlindTest:
    """A test in the default folder of the current directory."""
    shutil.copy(root / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return make_tiny_test(tmp_path / "blind_test")[0]


def run(*arguments: object) -> object:
    with pytest.raises(SystemExit) as ended:
        app(["blind-test", *map(str, arguments)])
    return ended.value.code


def test_a_test_is_exported_and_its_answers_are_imported(test: BlindTest, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "--out", "parker.html") in (0, None)
    assert "parker.html: 0.2 MB, 8 questions; keep blind_test/key.json secret" in capsys.readouterr().out
    Path("good.json").write_text(answers(1, dict.fromkeys([question[0] for question in test.questions], YES) | RIGHT))
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
    assert "1 listener (1 from files)" in capsys.readouterr().out


def test_votes_are_printed_as_csv(test: BlindTest, capsys: pytest.CaptureFixture[str]) -> None:
    Path("good.json").write_text(
        answers(1, dict.fromkeys([q[0] for q in test.questions], Given("yes", "a, b")) | RIGHT)
    )
    run("import", "good.json")
    capsys.readouterr()
    assert run("results", "--csv") in (0, None)
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 1 + len(test.questions)
    assert rows[1].endswith(',yes,,"a, b"')
    assert run("results", "--csv", "--json") == (
        "error: --json --csv: expected one format, found two; use one of the options"
    )


def test_training_pairs_are_written_one_a_line(
    test: BlindTest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("training-pairs") == (
        "error: blind_test: expected a test in mode pairs, found one in mode yes_no; "
        "make a test with --mode pairs and blind_test.pairs_within_family above 0, in a new --folder"
    )
    pairs, key = make_tiny_test(tmp_path / "pairs", mode="pairs", each=1)
    right = {question: Given(answer) for question, answer in key.right.items()}
    Path("good.json").write_text(answers(1, dict.fromkeys([q[0] for q in pairs.questions], Given("a")) | right))
    run("import", "good.json", "--folder", "pairs")
    assert run("training-pairs", "--folder", "pairs", "--out", "pairs.jsonl") in (0, None)
    assert "pairs.jsonl: 1 pair; left out: 0 ties" in capsys.readouterr().out
    (record,) = map(json.loads, Path("pairs.jsonl").read_text().splitlines())
    assert record["chosen"]["family"] == "transformer"
    assert (record["votes_chosen"], record["votes_rejected"]) == (1, 0)


def test_a_test_keeps_its_mode(test: BlindTest, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "--mode", "pairs") == (
        "error: blind_test: expected a test in mode pairs, found one in mode yes_no; use a new --folder for each mode"
    )
    assert run("export", "--mode", "yes_no", "--out", "page.html") in (0, None)
    assert run("export", "--mode", "stars") == 2
    assert "'stars' is not one of" in capsys.readouterr().err


def test_a_page_has_the_chosen_language_or_all(test: BlindTest) -> None:
    run("export", "--language", "de", "--out", "german.html")
    run("export", "--out", "all.html")
    german, every = Path("german.html").read_text(), Path("all.html").read_text()
    assert "Vielen Dank" in german
    assert "Thank you" not in german
    assert "Vielen Dank" in every
    assert "Thank you" in every
    assert run("export", "--language", "xx") == (
        "error: --language: expected en, de, found 'xx'; "
        "use one of them, or add a file of messages (docs/blind-test.md)"
    )


def test_without_a_test_the_error_names_the_commands_that_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (["results"], ["import", "a.json"]):
        said = run(*command)
        assert said == (
            "error: blind_test: expected a blind test, found no test.json; "
            "start one with yardbird blind-test serve or export"
        )


def test_unusable_paths_are_one_clear_line(test: BlindTest) -> None:
    """A file instead of a folder, a folder instead of a file, a folder with other content."""
    Path("file").touch()
    Path("other").mkdir()
    Path("other/notes.txt").touch()
    for command in (["results"], ["serve"], ["export"]):
        for folder in ("file", "other"):
            said = run(*command, "--folder", folder)
            assert said == f"error: {folder}: expected a blind test, found no test.json; use another --folder"
    said = run("export", "--out", "other")
    assert said == "error: other: expected a file to write, found a folder; use other/blind_test.html"


def test_in_an_empty_folder_a_test_is_made(test: BlindTest) -> None:
    """There is no corpus, so the error is about the corpus and not about the folder."""
    Path("empty").mkdir()
    said = run("serve", "--folder", "empty")
    missing = "expected a file that an earlier stage writes, found no such file; run dvc repro"
    assert said == f"error: data/augmented/manifest.csv: {missing}"


def test_a_port_in_use_is_one_clear_line(test: BlindTest) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = run("serve", "--port", port)
    assert said == (
        f"error: 127.0.0.1:{port}: expected a free port, found Address already in use; use another --host or --port"
    )


@pytest.mark.parametrize("url", ["", "example.org", "ftp://example.org", "https://", "https://*", "https://a.b/?c"])
def test_an_invalid_public_address_is_one_clear_line(test: BlindTest, url: str) -> None:
    said = run("serve", "--public-url", url)
    assert said == (
        f"error: --public-url: expected an address such as https://example.org, found {url!r}; "
        "use the address that listeners open"
    )


def test_a_test_with_older_parameters_is_kept_with_a_note(test: BlindTest, capsys: pytest.CaptureFixture[str]) -> None:
    run("export")
    assert "was made with other parameters and keeps them; use a new --folder for a new test" in capsys.readouterr().err


def test_another_request_limit_does_not_make_a_different_test(
    test: BlindTest, capsys: pytest.CaptureFixture[str]
) -> None:
    params = asdict(read_section("blind_test", BlindTestConfig)) | {"requests_per_minute": 7}
    key = read_json(Path("blind_test") / KEY)
    write_json(Path("blind_test") / KEY, key | {"params": params, "seed": read_seed()})
    run("export")
    assert "other parameters" not in capsys.readouterr().err
