import os
from pathlib import Path, PurePath

import pytest

from yardbird.data.manifest import Entry, read_manifest
from yardbird.data.tunes.names import metadata, title_of, tune_group_of
from yardbird.errors import InputError


@pytest.mark.parametrize(
    ("stem", "artist", "title"),
    [
        ("wjazzd__CharlieParker_BodyAndSoul", "Charlie Parker", "Body And Soul"),
        ("wjazzd__CharlieParker_Ko-Ko", "parker", "Ko-Ko"),
        ("omnibook__Kim_1", "Charlie Parker", "Kim 1"),
        ("01 - Ko-Ko", "parker", "Ko-Ko"),
        ("26-2", "John Coltrane", "26-2"),
        ("52nd_Street_Theme", "parker", "52nd Street Theme"),
        ("Charlie Parker - Confirmation", "parker", "Confirmation"),
        ("콘퍼메이션", "parker", "콘퍼메이션"),
        ("parker", "parker", "parker"),
        ("Parker_Kim", "Charlie Parker", "Kim"),
        ("A_Night_in_Tunisia", "Charlie Parker", "A Night in Tunisia"),  # the A of Charlie is no name
    ],
)
def test_a_title_is_read_from_a_file_name(stem: str, artist: str, title: str) -> None:
    assert title_of(stem, artist) == title


@pytest.mark.parametrize(
    ("group", "titles"),
    [
        ("kim", ["Kim 1", "Kim_2", "Kim - 3", "kim", "KIM (take 12)", "Kim (alternate take)", "Kim alt. take 2"]),
        (
            "koko",
            ["Ko-Ko", "Ko Ko", "Ko-Ko (take 2)", "Ko-Ko, Alternate Take", "Ko_Ko_take_1", "Ko-Ko-1", "Ko-Ko [live]"],
        ),
        ("bodyandsoul", ["Body and Soul-1_Alternate Take", "Body And Soul", "Body and Soul (master take)"]),
        ("takefive", ["Take Five", "Take Five 2"]),
        ("262", ["26-2-1", "26-2"]),
        ("billiesbounce", ["Billie's Bounce", "Billies Bounce"]),
        ("siesta", ["Siésta"]),
    ],
)
def test_the_takes_of_a_tune_share_its_group(group: str, titles: list[str]) -> None:
    assert {tune_group_of(title) for title in titles} == {group}


def test_a_name_that_is_only_a_take_number_is_kept_as_the_tune() -> None:
    assert tune_group_of("2") == "2"
    assert tune_group_of("take 2") != ""


def test_empty_cells_of_the_manifest_are_filled_from_the_folder_and_the_file() -> None:
    found = metadata(Entry(form="blues"), PurePath("Sonny_Stitt/Kim_2.mid"), "raw")
    assert (found.artist, found.title, found.tune_group, found.form) == ("Sonny Stitt", "Kim 2", "kim", "blues")
    assert metadata(Entry(), PurePath("Kim.mid"), "parker").artist == "parker"


def test_a_manifest_may_have_further_columns_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text("\ufefffile,artist,sha256\na.mid,Parker,00\n\nb\\c.mid,Coltrane,\n", encoding="utf-8")
    assert read_manifest(path, Entry) == {"a.mid": Entry(artist="Parker"), "b/c.mid": Entry(artist="Coltrane")}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("file,artist\na.mid,Pärt\n".encode("latin-1"), "another encoding"),
        (b"name,artist\na.mid,Parker\n", "no column `file`"),
        (b"", "no column `file`"),
        (b"file\na.mid\na.mid\n", "two of 'a.mid'"),
        (
            b"file,title,key\na.mid,Now, Later,F\n",
            "as many fields as columns, 3, found 4 in line 2; quote texts",
        ),
    ],
)
def test_an_unreadable_manifest_gives_a_one_line_error(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "manifest.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=found) as error:
        read_manifest(path, Entry)
    assert "\n" not in str(error.value)


def test_a_manifest_that_is_no_file_is_refused_in_one_line_and_none_is_empty(tmp_path: Path) -> None:
    """Regression: a broken link counted as no table, a pipe was read without an end."""
    path = tmp_path / "manifest.csv"
    assert read_manifest(path, Entry) == {}
    for found, make in {"a broken link": lambda: path.symlink_to("nowhere"), "no regular file": path.mkdir}.items():
        make()
        with pytest.raises(InputError, match=rf"manifest\.csv: expected a UTF-8 table .*, found {found}; replace it"):
            read_manifest(path, Entry)
        path.unlink() if path.is_symlink() else path.rmdir()
    os.mkfifo(path)
    with pytest.raises(InputError, match=r"manifest\.csv: .*, found no regular file"):
        read_manifest(path, Entry)
