"""Results as HTML. The templates in `web/` escape all text; sound, pictures and files are inside the page as data URLs.

So the server stores nothing for a visitor who keeps nothing, and no visitor can fetch the result of another one.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.image
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from yardbird.audio.comping import count_in
from yardbird.audio.synth import render
from yardbird.audio.wave import Waveform, encode_mp3
from yardbird.engraving.sheet_musicxml import as_musicxml
from yardbird.errors import counted
from yardbird.music.score import Score
from yardbird.pictures import spectrogram, svg_piano_roll
from yardbird.report.coloured_sheet import concert_sheet, draw_coloured
from yardbird.report.embedded_media import data_uri, midi_uri
from yardbird.studio.between_desk import Between
from yardbird.studio.measure_desk import Measured
from yardbird.studio.move_desk import Moved
from yardbird.studio.reference_solos import Quotation, ReferenceSolos, Row, Sign
from yardbird.studio.sing_desk import Sung
from yardbird.studio.solo_desk import Take
from yardbird.time_budget import check_time

_NO_REFERENCE = "There is no corpus here to compare with: run `yardbird run` in the project's folder."
_environment = Environment(
    loader=PackageLoader("yardbird.studio", "web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip


@dataclass(frozen=True)
class Heard:
    """A score to hear and see: sound, piano roll and, if `sheet`, notation."""

    title: str
    sound: str
    roll: Markup
    count_in_seconds: float
    seconds: float
    facts: str
    sheet: Markup | None = None


@dataclass(frozen=True)
class Compared:
    """A solo compared with real solos."""

    players: str
    rows: Sequence[Row]
    signs: Sequence[Sign]
    quotation: Quotation


def notice(text: str) -> str:
    """A message about an error or a lack, announced by screen readers."""
    return _html("notice.html", text=text)


def done(text: str) -> str:
    """A message about a success, announced by screen readers."""
    return _html("done.html", text=text)


def kept_html(folder: Path, names: Sequence[str]) -> str:
    """What the session has kept."""
    return _html("kept.html", folder=folder, names=names)


def take_html(take: Take, references: ReferenceSolos) -> str:
    """A drawn solo: sound, roll, notation, quotation, values next to real solos, and its files."""
    score = take.solo.score
    heard = hear(score, take.title, drums=take.settings.drums, counted_in=take.settings.count_in, sheet=True)
    return _html(
        "solo.html", take=take, heard=heard, links=links(score, take.name),
        compared=compare(score, references, take.start_tick), missing=_NO_REFERENCE,
    )  # fmt: skip


def between_html(between: Between) -> str:
    """The steps between two solos, for the player that switches without a gap."""
    steps = [
        (hear(score, f"step {number}"), row)
        for number, (score, row) in enumerate(zip(between.scores, between.rows, strict=True), 1)
    ]
    return _html("between.html", between=between, steps=steps)


def moved_html(moved: Moved, references: ReferenceSolos) -> str:
    """A moved solo next to its reconstruction."""
    return _html(
        "move.html", moved=moved, before=hear(moved.reconstruction, "Reconstruction, without the move"),
        after=hear(moved.score, "Moved", sheet=True), links=links(moved.score, moved.name),
        compared=compare(moved.score, references),
    )  # fmt: skip


def sung_html(sung: Sung) -> str:
    """A drawn sound with its spectrogram."""
    waveform = sung.sound.waveform
    pixels = spectrogram.draw(waveform, title=sung.sound.prompt, primed_seconds=sung.sound.primed_seconds)
    picture = io.BytesIO()
    matplotlib.image.imsave(picture, pixels, format="png")
    mono = Waveform(waveform.mono[:, None], waveform.sample_rate)
    return _html(
        "sing.html", sung=sung, sound=data_uri("audio/mpeg", encode_mp3(mono)),
        picture=data_uri("image/png", picture.getvalue()),
    )  # fmt: skip


def measured_html(measured: Sequence[Measured], references: ReferenceSolos) -> str:
    """Files with their metrics, their quotations, and how the pipeline would use them."""
    files = [(one, compare(one.score, references) if one.score else None) for one in measured]
    return _html("measure.html", files=files, missing=_NO_REFERENCE)


def honesty_html(content: Mapping[str, Any]) -> str:
    """How well the moves of the tab Move work, as the stage explore measured it."""
    return _html("honesty.html", **content)


def hear(score: Score, title: str, *, drums: bool = False, counted_in: bool = False, sheet: bool = False) -> Heard:
    """Render and draw a score."""
    check_time()
    sound = render(score, comping=True, with_drums=drums, counted_in=counted_in)
    tempo = f"{score.mean_qpm:.0f} beats a minute"
    key = f"{score.key}, " if score.key else ""
    return Heard(
        title,
        data_uri("audio/mpeg", encode_mp3(sound)),
        Markup(svg_piano_roll.draw(score, title)),
        count_in(score).seconds if counted_in else 0.0,
        score.seconds,
        f"{key}{counted(score.bar_count, 'bar')}, {counted(len(score.notes), 'note')}, {tempo}",
        Markup(draw_coloured(concert_sheet(score, title))) if sheet else None,
    )


def compare(score: Score, references: ReferenceSolos, start_tick: int = 0) -> Compared | None:
    """A solo compared with the real solos; None if there are none here, or it has no notes."""
    check_time()
    if not references.exist or not len(score.notes):
        return None
    quotation = references.quotation(score, start_tick)
    signs = [*references.signs(score), *([quotation.original] if quotation.original else [])]
    return Compared(references.players, references.rows(score), signs, quotation)


def links(score: Score, name: str) -> list[tuple[str, str, str]]:
    """The solo as files to download: (label, file name, data URL)."""
    return [
        ("MIDI", f"{name}.mid", midi_uri(score)),
        ("MusicXML", f"{name}.musicxml", data_uri("application/xml", as_musicxml(concert_sheet(score, name)).encode())),
    ]


def _html(template: str, **content: Any) -> str:
    return _environment.get_template(template).render(**content, pixels_a_second=svg_piano_roll.PIXELS_A_SECOND)
