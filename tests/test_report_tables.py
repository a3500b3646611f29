"""Tables with captions, as Markdown and as JSON."""

from pathlib import Path

from yardbird.report_tables import Section, Table, address, as_markdown, read_sections, write_sections

FULL = Table(["row", "value"], [["a", "1"], ["b", ""]], "Values by row.", ["Nats per note", "Pitch"])
BARE = Table(["row"], [["a"]], "Rows.", [])
EMPTY = Table(["row"], [], "Nothing.", ["Rhythm"])
SECTIONS = [Section("One", [FULL, EMPTY, BARE]), Section("Two", [EMPTY])]


def test_a_section_is_its_heading_and_each_table_under_its_caption() -> None:
    assert as_markdown(SECTIONS) == [
        "## One", "",
        "Values by row. More: [Nats per note], [Pitch].", "",
        "| row | value |", "|---|---|", "| a | 1 |", "| b |  |", "",
        "Rows.", "",
        "| row |", "|---|", "| a |", "",
        "[Nats per note]: ../docs/metrics.md#nats-per-note", "[Pitch]: ../docs/metrics.md#pitch", "",
    ]  # fmt: skip


def test_sections_are_read_as_they_were_written_without_empty_tables(tmp_path: Path) -> None:
    write_sections(tmp_path / "tables.json", SECTIONS)
    assert read_sections(tmp_path / "tables.json") == [Section("One", [FULL, BARE])]


def test_the_address_of_a_heading_is_its_anchor_on_the_page_of_metrics() -> None:
    assert address("Distance to real solos") == "../docs/metrics.md#distance-to-real-solos"
