"""Takes of one tune are grouped by their names, and tunes over the same changes by a list."""

import csv
import re
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solo_rows import row

from yardbird.data.manifest import Entry
from yardbird.data.splitting import tune_groups
from yardbird.data.tunes.names import metadata, title_of, tune_group_of
from yardbird.data.tunes.related import canonical, changes_of, known_tunes, parse_relations
from yardbird.errors import InputError

DONNA_LEE = """
    Parker,_Charlie_-_Donna_Lee|Donna Lee - Charlie Parker|01 Donna Lee|Donna Lee (take 2)|Donna Lee in Ab
    Donna Lee solo v2|donna_lee_in_ab|DonnaLee|CharlieParker_DonnaLee|Charlie Parker - Donna Lee (1947)|Donna Lee - Ab
    Donna Lee (Ab)|Donna Lee in A-flat major|Parker - Donna Lee|01. Charlie Parker - Donna Lee|Donna Lee #2
    01 - Parker, Charlie - Donna Lee (Take 3)|Charlie Parker Quintet - Donna Lee|Donna Lee by Charlie Parker
    Donna Lee, Charlie Parker|Charlie Parker's solo on Donna Lee|Donna Lee alto sax solo|donna-lee|Donna Lee v1.2
    Donna_Lee_220bpm|Donna Lee Solo Transcription|1-03 Donna Lee|DonnaLee2|Donna Lee in Ab (take 2)|Bird - Donna Lee
    Donna Lee - Sonny Stitt & Charlie Parker|parker_donna_lee|Donna Lee for Eb instruments|Donna Lee Bb
    Donna Lee transcribed by John Smith|Charlie_Parker-Donna_Lee|Donna Lee, take two|Donna Lee - 1947-05-08
"""


@pytest.mark.parametrize("folder", ["raw", "parker", "Charlie Parker"])
@pytest.mark.parametrize("stem", [name.strip() for name in re.split(r"[|\n]", DONNA_LEE) if name.strip()])
def test_a_tune_is_recognised_in_any_style_of_file_name(stem: str, folder: str) -> None:
    assert metadata(Entry(), PurePath(f"{stem}.mid"), folder).tune_group == "donnalee"
    assert tune_group_of(stem) == "donnalee"


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("4 Brothers", "4brothers"),
        ("52nd Street Theme", "52ndstreettheme"),
        ("Take Five", "takefive"),
        ("Parker's Mood", "parkersmood"),
        ("Bud Powell", "budpowell"),
        ("Bird Gets the Worm", "birdgetstheworm"),
        ("Autumn in New York", "autumninnewyork"),
        ("What's New", "whatsnew"),
        ("Sidewinder, The", "thesidewinder"),
        ("Solo Flight", "soloflight"),
        ("Night in Tunisia", "anightintunisia"),
        ("Thriving on a Riff", "thrivingfromariff"),
    ],
)
def test_words_that_belong_to_the_name_of_a_tune_are_kept(name: str, group: str) -> None:
    assert tune_group_of(name) == group


def test_blues_in_two_keys_are_two_tunes() -> None:
    assert tune_group_of("Blues in F") != tune_group_of("Blues in Bb")


@given(st.text(max_size=40), st.text(max_size=20))
def test_any_name_gives_a_group_and_a_title(name: str, artist: str) -> None:
    assert isinstance(tune_group_of(name, artist), str)
    assert metadata(Entry(), PurePath(f"x{name}.mid".replace("/", "_").replace("\0", "_")), "raw").tune_group
    assert title_of(f"x{name}", artist)


def test_a_contrafact_is_split_with_the_tune_whose_changes_it_uses() -> None:
    rows = [row(f"a/{i}", name) for i, name in enumerate(["koko", "cherokee", "warmingupariff", "donnalee", "indiana"])]
    groups = tune_groups(rows)
    assert groups == {"a/0": "cherokee", "a/1": "cherokee", "a/2": "cherokee", "a/3": "donnalee", "a/4": "donnalee"}


def test_tunes_over_rhythm_changes_and_blues_are_split_independently() -> None:
    names = ["thrivingfromariff", "moosethemooche", "igotrhythm", "billiesbounce", "nowsthetime"]
    assert len(set(tune_groups([row(f"a/{name}", name) for name in names]).values())) == 5


def test_no_two_lines_of_the_list_contradict_each_other_and_a_user_list_is_read(root: Path) -> None:
    relations = parse_relations((root / "src/yardbird/data/tunes/related.csv").read_text(encoding="utf-8"))
    same = {tune: other for tune, relation, other in relations if relation == "same"}
    assert not set(same) & set(same.values()), "a kept name is itself and not another name of a third tune"
    assert len({(tune, other) for tune, _, other in relations}) == len(relations)
    assert {tune_group_of(tune) for tune in known_tunes()} <= known_tunes()
    assert changes_of("didyoucallhertoday") == changes_of("inamellotone") == "roseroom"
    mine = "tune,relation,of\n# mine\nMy Tune,contrafact,Indiana\n"
    assert parse_relations(mine) == (("mytune", "contrafact", "indiana"),)


def test_another_name_of_another_name_is_the_same_tune(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: a user may add another name of "Au Private", itself another name of a tune; they were two groups."""
    same = {"oprivate": "auprivate", "auprivate": "auprivave"}
    monkeypatch.setattr("yardbird.data.tunes.related._same", lambda: same)
    assert {canonical(tune) for tune in ("oprivate", "auprivate", "auprivave")} == {"auprivave"}


@pytest.mark.parametrize("line", ["Donna Lee,like,Indiana", "Donna Lee,contrafact", "...,same,Indiana"])
def test_an_incomplete_line_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(InputError, match=r"^related\.csv: expected tune,relation,of .*, found .* in line 2; correct"):
        parse_relations(f"tune,relation,of\n{line}\n")


def test_the_names_of_the_real_files_give_the_groups_of_their_manifest(shared: Path) -> None:
    """Except where the manifest joins a contrafact, or separates takes that have the same name."""
    different = set()
    for source in ("parker", "coltrane", "otherjazz"):
        if not (shared / source).is_dir():
            continue
        with (shared / source / "manifest.csv").open(newline="", encoding="utf-8") as table:
            for entry in csv.DictReader(table):
                assert canonical(entry["tune_group"]) == entry["tune_group"]
                found = metadata(Entry(), PurePath(entry["file"]), entry["artist"]).tune_group
                different |= {(found, entry["tune_group"])} if found != entry["tune_group"] else set()
    assert different <= {
        ("koko", "cherokee"),
        ("warmingupariff", "cherokee"),
        ("illrememberapril", "illrememberaprilalternatetake2"),
        ("thrivingfromariff", "anthropologyno1"),
        ("blueseven", "blueseven3"),
    }
