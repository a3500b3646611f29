"""Every table of the pipeline is read as it was written, and a damaged table gives one clear line."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_rows import filled

from yardbird.baselines.ngram_solos import RatioRow
from yardbird.config import Role, Split
from yardbird.data.manifest import Rejected, SetAside, SoloRow
from yardbird.data.repair import Change
from yardbird.data.source_sounds import Reject
from yardbird.errors import InputError
from yardbird.tables.clip_tables import ClipRow, EncodedClipRow, read_clip_index, write_clip_index
from yardbird.tables.copies_table import CopyRow, read_copies, write_copies
from yardbird.tables.curve_table import read_curve, write_curve
from yardbird.tables.encoded_tables import EncodedRow, read_index, write_index
from yardbird.tables.generated_tables import (
    GeneratedSolo,
    GeneratedSound,
    read_generated,
    write_generated_solos,
    write_generated_sounds,
)
from yardbird.tables.split_table import SplitRow
from yardbird.tables.typed_table import Columns, join_tables, read_table, write_table

TABLES: list[type[Columns]] = [
    Change, ClipRow, CopyRow, EncodedClipRow, EncodedRow, GeneratedSolo, GeneratedSound, RatioRow, Reject, Rejected,
    SetAside, SoloRow, SplitRow,
]  # fmt: skip
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**40), 2**40),
    float: st.floats(allow_nan=False),
    Role: st.sampled_from(get_args(Role)),
    Split: st.sampled_from(get_args(Split)),
    tuple[str, ...]: st.lists(TEXT, max_size=3).map(tuple),
}
VALUES |= {kind | None: st.none() | VALUES[kind] for kind in (int, float)}


def rows_of(kind: type[Columns]) -> st.SearchStrategy[list[Columns]]:
    columns = {field.name: VALUES[field.type] for field in fields(kind)}
    return st.lists(st.builds(kind, **columns), max_size=3)


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_table_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, kind: type[Columns], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("table") / "table.csv"
    rows = data.draw(rows_of(kind))
    write_table(path, kind, rows)
    assert read_table(path, kind) == rows


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_missing_and_unknown_columns_are_errors(tmp_path: Path, kind: type[Columns]) -> None:
    path, names = tmp_path / "table.csv", [field.name for field in fields(kind)]
    for name in names:
        path.write_text(",".join(other for other in names if other != name) + "\n")
        with pytest.raises(InputError, match=rf"^\S+table\.csv: expected a UTF-8 table .* found no column {name}; run"):
            read_table(path, kind)
    path.write_text(",".join([*names, "colour"]) + "\n")
    with pytest.raises(InputError, match=r"found the unknown column colour; run dvc repro"):
        read_table(path, kind)


@dataclass(frozen=True)
class Sample:
    """One column of every type."""

    name: str
    count: int
    share: float
    side: Literal["left", "right"]
    bars: int | None
    words: tuple[str, ...]


SAMPLE = Sample("a", 1, 0.5, "left", None, ("x, y", "é"))
LINE = 'a,1,0.5,left,,"[""x, y"", ""é""]"\n'


def test_the_bytes_are_those_of_the_csv_module_with_lists_as_json(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", Sample, [SAMPLE])
    assert (tmp_path / "table.csv").read_bytes() == f"name,count,share,side,bars,words\n{LINE}".encode()


def test_columns_may_be_in_another_order(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text('words,bars,side,share,count,name\n"[""w""]",3,right,2,7,b\n')
    assert read_table(tmp_path / "table.csv", Sample) == [Sample("b", 7, 2.0, "right", 3, ("w",))]


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("count", "1.5", "a whole number"),
        ("count", "", "a whole number"),
        ("share", "half", "a number"),
        ("side", "middle", "left or right"),
        ("bars", "x", "a whole number or nothing"),
        ("words", "x", "a JSON list of texts"),
        ("words", "[1]", "a JSON list of texts"),
    ],
)
def test_an_odd_value_is_named_with_its_column_and_line(tmp_path: Path, column: str, text: str, expected: str) -> None:
    path = tmp_path / "table.csv"
    values = {"name": "a", "count": "1", "share": "0.5", "side": "left", "bars": "", "words": "[]"}
    good, odd = (",".join((values | changes).values()) for changes in ({}, {column: text}))
    path.write_text(f"{','.join(values)}\n{good}\n{odd}\n")
    with pytest.raises(InputError) as caught:
        read_table(path, Sample)
    remedy = "run dvc repro, which writes the table again"
    assert str(caught.value) == f"{path}: expected {expected} as {column} in line 3, found {text!r}; {remedy}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found no column"),
        (b"name,count,share,side,bars,words,name\n", "found a repeated column"),
        (b"name,count,share,side,bars,words\na,1\n", "expected 6 fields, found 2 in line 2"),
        (b"name,count,share,side,bars,words\n\xff,1,1,left,,[]\n", "expected a UTF-8 table"),
        (None, "expected a file that an earlier stage writes, found no such file; run dvc repro"),
    ],
)
def test_a_damaged_or_missing_file_gives_a_one_line_error(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "table.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_table(path, Sample)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_copies_and_encoded_rows_know_whether_they_are_originals(tmp_path: Path) -> None:
    copies = [filled(CopyRow, copy="a/x", solo="a/x"), filled(CopyRow, copy="a/x__+2_x100", solo="a/x", semitones=2)]
    write_copies(tmp_path, copies)
    assert [row.is_original for row in read_copies(tmp_path)] == [True, False]
    encoded = [filled(EncodedRow, copy=row.copy, solo=row.solo, start=3, length=4) for row in copies]
    write_index(tmp_path, encoded)
    assert [row.is_original for row in read_index(tmp_path)] == [True, False]
    assert list(range(9))[read_index(tmp_path)[0].place] == [3, 4, 5, 6]
    clip = filled(ClipRow)
    changed = [clip, replace(clip, semitones=1), replace(clip, tempo_factor=0.9)]
    assert [row.is_original for row in changed] == [True, False, False]


def test_an_index_is_read_split_by_split(tmp_path: Path) -> None:
    rows = [filled(EncodedRow, solo=solo, split=split) for solo, split in (("a", "train"), ("b", "test"))]
    write_index(tmp_path / "events", rows)
    assert read_index(tmp_path / "events", "test") == rows[1:]
    assert read_index(tmp_path / "events", "validation") == []
    clips = [filled(EncodedClipRow, split="train")]
    write_clip_index(tmp_path / "audio", clips)
    assert read_clip_index(tmp_path / "audio", "train") == clips
    with pytest.raises(InputError, match=r"index\.csv: expected clips of the test split, found none"):
        read_clip_index(tmp_path / "audio", "test")


def test_the_manifest_of_a_family_distinguishes_solos_from_sounds(tmp_path: Path) -> None:
    solo, sound = filled(GeneratedSolo, solo="a"), filled(GeneratedSound, sound="b")
    write_generated_solos(tmp_path / "notes", [solo])
    write_generated_sounds(tmp_path / "sound", [sound])
    assert read_generated(tmp_path / "notes") == [solo]
    assert read_generated(tmp_path / "sound") == [sound]
    with pytest.raises(InputError, match=r"manifest\.csv: expected a file that an earlier stage writes"):
        read_generated(tmp_path / "nowhere")
    (tmp_path / "sound/manifest.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"manifest\.csv: expected a UTF-8 table"):
        read_generated(tmp_path / "sound")


def test_a_curve_is_read_back_to_seven_digits(tmp_path: Path) -> None:
    path = tmp_path / "x_curve.csv"
    write_curve(path, [{"epoch": 1, "train_loss": 1 / 3}, {"epoch": 2, "train_loss": 1e-9}])
    assert path.read_text() == "epoch,train_loss\n1,0.3333333\n2,1e-09\n"
    assert read_curve(path) == [{"epoch": 1.0, "train_loss": 0.3333333}, {"epoch": 2.0, "train_loss": 1e-9}]


@pytest.mark.parametrize("line", ["2", "2,much", "2,1,0"])
def test_an_odd_line_of_a_curve_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "x_curve.csv").write_text(f"epoch,train_loss\n1,0.5\n{line}\n")
    with pytest.raises(InputError, match=r"x_curve\.csv: expected 2 numbers in line 3, found .*; train the family"):
        read_curve(tmp_path / "x_curve.csv")


def test_a_curve_that_is_not_text_gives_a_one_line_error(tmp_path: Path) -> None:
    (tmp_path / "x_curve.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"x_curve\.csv: expected a UTF-8 table of numbers, found"):
        read_curve(tmp_path / "x_curve.csv")


def test_joined_tables_have_all_rows_and_one_changed_column(tmp_path: Path) -> None:
    rows = [Change(*(f"{field.name}, {number}\n" for field in fields(Change))) for number in range(5)]
    write_table(tmp_path / "a.csv", Change, rows[:3])
    write_table(tmp_path / "b.csv", Change, rows[3:])
    column = fields(Change)[0].name
    parts = [(tmp_path / "a.csv", list), (tmp_path / "b.csv", lambda texts: [text.upper() for text in texts])]
    join_tables(tmp_path / "whole.csv", Change, parts, column)
    changed = [replace(row, **{column: getattr(row, column).upper()}) for row in rows[3:]]
    assert read_table(tmp_path / "whole.csv", Change) == rows[:3] + changed
