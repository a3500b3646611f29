"""Every reader reads a mutated file or refuses it in one line that names it, quickly and in bounded memory."""

import subprocess
import sys
import time
from pathlib import Path

import fuzz
import pytest
from forked_python import python
from fuzzed_readers import READERS, SHARED
from hypothesis import given
from hypothesis import strategies as st

from yardbird.config import read_params
from yardbird.errors import ConfigError, InputError, YardbirdError
from yardbird.generation.leadsheet import LeadSheet
from yardbird.runs.param_edits import with_overrides

#: Files in the default suite: music21 and the settings of models are slow.
COUNTS = {
    "midi": 150, "musicxml": 3, "mxl": 4, "abc": 6, "kern": 6, "params": 3, "overrides": 3, "manifest": 15,
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_the_first_mutated_files_are_read_or_refused(root: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setattr("fuzzed_readers.SHARED", root)  # without real files, so that the cases are the same everywhere
    tally = fuzz.fuzz(name, COUNTS.get(name, 60))  # it fails if the first seed is not a whole file
    assert tally.broken == []


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_many_mutated_files_are_read_or_refused_within_two_gibibytes(root: Path, name: str) -> None:
    """`python benchmarks/fuzz.py --seed 1` reads a thousand of each kind."""
    count = dict.fromkeys(("abc", "kern", "musicxml", "mxl", "params", "overrides"), "60").get(name, "300")
    command = [python(), "benchmarks/fuzz.py", name, "--seed", "1", "--count", count]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["midi", "weimar", "flac", "chart"])
def test_files_that_atheris_finds_are_read_or_refused(root: Path, name: str) -> None:
    pytest.importorskip("atheris", reason="atheris is not installed")
    command = [sys.executable, "benchmarks/fuzz.py", name, "--atheris", "20"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_fuzzer_reports_another_error_a_second_line_a_file_outside_and_too_much_time(tmp_path: Path) -> None:
    def tried(read: object) -> str:
        tally = fuzz.Tally()
        fuzz._try(fuzz.Reader("a.txt", read, list, seconds=1), b"a", tally, "case", tmp_path)  # type: ignore[arg-type]
        (broken,) = tally.broken
        return broken

    def two_lines(path: Path) -> None:
        error = YardbirdError(path.name)
        error.args = (f"{path.name}\nb",)
        raise error

    def endless(path: Path) -> None:
        while True:
            try:
                sum(range(1000))
            except Exception:  # such a reader must not catch the limit
                continue

    assert "ZeroDivisionError" in tried(lambda path: 1 // 0)
    assert "several lines" in tried(two_lines)
    assert "does not name the file" in tried(lambda path: LeadSheet.parse("H7", "chart"))
    assert "outside" in tried(lambda path: (path.parents[1] / "b").write_text("b"))
    assert "more than 1 seconds" in tried(endless)
    assert (tmp_path / "case.txt").read_bytes() == b"a"


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        + "".join(
            f"{two}: &{two} [{', '.join([f'*{one}'] * 9)}]\n" for one, two in zip("bcdefgh", "cdefghi", strict=True)
        ),
        "a: &a [*a]\n",
        f"seed: {'9' * 5000}\n",
        f"seed: 0x{'f' * 5000}\n",
        "seed: 2001-13-32\n",
        "seed: !!timestamp x\n",
        "seed: !!python/object/apply:os.system ['true']\n",
    ],
    ids=["aliases", "an alias of itself", "digits", "hexadecimal digits", "a date", "no date", "code"],
)
def test_a_value_of_yaml_that_fills_the_memory_or_is_none_is_one_line(tmp_path: Path, text: str) -> None:
    """Regression: aliases of aliases took all memory; numbers of thousands of digits and odd dates were tracebacks."""
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"params\.yaml: expected valid YAML, found .*; correct"):
        read_params(path)


def test_an_override_of_thousands_of_digits_is_one_line() -> None:
    """Regression: `yardbird exp -S seed=99…` gave the traceback of Hydra's parser."""
    with pytest.raises(ConfigError, match=r"^-S: seed=9+…: expected at most 1,000 characters, found 5,005$"):
        with_overrides("seed: 3\n", [f"seed={'9' * 5000}"])


def test_settings_in_another_encoding_are_one_line(tmp_path: Path) -> None:
    """Regression: `yardbird exp` gave a traceback, because it read them as UTF-8 after YAML had read UTF-16."""
    (tmp_path / "params.yaml").write_bytes("seed: 3\n".encode("utf-16"))
    with pytest.raises(InputError, match=r"params\.yaml: expected UTF-8 text, found another encoding"):
        read_params(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "{a" + " " * 100_000, "{a" * 50_000, "[" * 100_000, "{soc" + "-" * 100_000, "a" * 100_000 + " | F7",
        "{sog}\n| F7 " + "]" * 100_000, "irealb://a=b==c=d==1r34LbKcu7" + "F7 |" * 100_000, "F7 |" * 20_000,
    ],
    ids=["spaces", "directives", "brackets", "dashes", "letters", "grid", "scrambled", "bars"],
)  # fmt: skip
@pytest.mark.timeout(20)
def test_a_long_line_of_a_chart_takes_no_longer_than_its_length(text: str) -> None:
    """Regression: the time of the first grew with the cube of its length, to hours; that of others with the square."""
    with pytest.raises(InputError):
        LeadSheet.parse(text)


@given(text=st.text(alphabet=st.sampled_from("F7Bb|:%/x123.[]{}A \n*=-#()<>TNZSQW²٣\u2028"), max_size=80))
def test_any_text_is_a_chart_or_one_line(text: str) -> None:
    for chart in (
        text,
        f"{{title: x}}\n{text}",
        f"irealbook://A=B=S=C=n={text}",
        f"irealb://A=B==S=C==1r34LbKcu7{text}",
    ):
        try:
            sheet = LeadSheet.parse(chart)
        except YardbirdError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017  # both outcomes are right
            continue
        assert LeadSheet.parse(sheet.text()).bars == sheet.bars


def test_the_tempo_of_a_link_in_other_digits_is_one_line() -> None:
    """Regression: `²` is a digit for Python, but no number."""
    link = "irealb://A=B==S=C==1r34LbKcu7[T44C^7 |Z=Swing=²=3"
    assert LeadSheet.parse(link).qpm is None


@pytest.mark.parametrize("title", ["Slow%0BBoat", "Slow%0ABoat", "Slow%E2%80%A8Boat"])
def test_a_line_break_in_the_title_of_a_link_does_not_end_the_line_of_the_title(title: str) -> None:
    """Regression: the rest of the title was read back as chords, so that the solo could not be regenerated."""
    sheet = LeadSheet.parse(f"irealb://{title}=A==S=C==1r34LbKcu7[T44C^7 |Z=Swing=200=3")
    assert sheet.title == "Slow Boat"
    assert LeadSheet.restored(sheet.text()) == sheet


def test_a_title_that_would_not_be_read_back_is_one_line() -> None:
    """Regression: a link may be longer than a line of text, so a solo over it could not be regenerated."""
    link = "irealb://{}=A==S=C==1r34LbKcu7[T44C^7 |Z=Swing=200=3"
    sheet = LeadSheet.parse(link.format("a" * 300))
    assert LeadSheet.restored(sheet.text()) == sheet
    with pytest.raises(InputError, match=r"^chart: expected at most 300 letters, found 'a{20}…'; correct or remove"):
        LeadSheet.parse(link.format("a" * 301))


@pytest.mark.timeout(60)
def test_a_bar_of_hundreds_of_beats_takes_no_minutes(tmp_path: Path) -> None:
    """Regression: music21 gave each beat an accent, which took 40 s."""
    path = tmp_path / "long.abc"
    path.write_bytes(READERS["abc"].seeds()[0].replace(b"c8 :|", b"c888 :|"))
    start = time.process_time()
    READERS["abc"].read(path)
    assert time.process_time() - start < 10


def test_real_files_are_seeds_if_they_are_there(shared: Path) -> None:
    assert shared == SHARED
    assert len(READERS["midi"].contents()) > 50
