"""A solo at concert pitch as sheet music for a page: chord tones and other tones in two colours."""

from yardbird.engraving.instruments import CONCERT
from yardbird.engraving.sheet import Sheet, write_sheet
from yardbird.engraving.sheet_drawing import draw_strip
from yardbird.engraving.sheet_musicxml import as_musicxml
from yardbird.music.score import Score

CHORD_TONE, OTHER_TONE = "#1f6f8b", "#c4601d"


def concert_sheet(score: Score, title: str) -> Sheet:
    return write_sheet(score, CONCERT, title, "Yardbird")


def draw_coloured(sheet: Sheet) -> str:
    """The part as SVG; the same part gives the same bytes. Notes without a chord stay black."""
    score = sheet.score
    colours = {}
    for index, change in enumerate(score.chord_index_of(score.onsets).tolist()):
        if change >= 0 and (chord := score.chords[change].chord):
            colours[index] = CHORD_TONE if int(score.pitches[index]) % 12 in chord.pitch_classes else OTHER_TONE
    return draw_strip(as_musicxml(sheet, colours))
