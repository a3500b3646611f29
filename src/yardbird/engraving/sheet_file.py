"""Writes a part as a file: .pdf, .svg, .musicxml or .mid."""

from pathlib import Path

from yardbird import files
from yardbird.engraving.sheet import Sheet
from yardbird.music.midi import write_score

SUFFIXES = (".pdf", ".svg", ".musicxml", ".mid")


def write_sheet_file(sheet: Sheet, path: Path) -> None:
    """Write a part; the suffix of `path`, one of `SUFFIXES`, chooses the format.

    A .mid sounds as the part does, in the rhythm that is written; an .svg has all bars in one picture.
    """
    if path.suffix == ".mid":
        write_score(sheet.sounding(), path)
        return
    from yardbird.engraving.sheet_musicxml import as_musicxml  # music21 takes a second to import

    musicxml = as_musicxml(sheet)
    if path.suffix == ".musicxml":
        files.write_text(path, musicxml)
        return
    from yardbird.engraving.sheet_drawing import draw_pages, draw_strip

    if path.suffix == ".svg":
        files.write_text(path, draw_strip(musicxml))
        return
    from yardbird.engraving.sheet_pdf import as_pdf

    assert path.suffix == ".pdf"
    pages = draw_pages(musicxml, sheet.title, sheet.instrument.title, sheet.credit)
    files.write_bytes(path, as_pdf(pages, sheet.title, sheet.credit))
