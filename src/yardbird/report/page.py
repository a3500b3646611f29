"""Assembles the page: gathers, embeds and escapes its content."""

import base64
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from yardbird import files
from yardbird.engraving.sheet_musicxml import as_musicxml
from yardbird.metrics.verdicts import VERDICTS
from yardbird.pictures import svg_piano_roll
from yardbird.progress import progress
from yardbird.report import figures
from yardbird.report.coloured_sheet import concert_sheet, draw_coloured
from yardbird.report.embedded_media import data_uri, midi_uri, picture_uri, sound_uri
from yardbird.report.family_solos import Family, ReportSolo, read_families
from yardbird.report.latent_charts import latent_charts
from yardbird.report.metric_names import words_of_column
from yardbird.report.quality import read_quality
from yardbird.report.row_colours import family_colours
from yardbird.report.run_details import read_run
from yardbird.report.strip import Way, read_ways
from yardbird.report_tables import Section, address, read_sections

WEB = Path(__file__).parent / "web"


def write_report(root: Path, path: Path, sources: Sequence[str]) -> None:
    """Write the page from the folders data and reports of a pipeline; missing parts are omitted."""
    data, reports = root / "data", root / "reports"
    families, ways = read_families(data), read_ways(data)
    originality = figures.read_originality(reports)
    colours = family_colours([*(family.name for family in families), *originality, *figures.trained(reports)])
    content = {
        "colours": colours,
        "run": read_run(root),
        "quality": read_quality(data, reports, sources),
        "sections": _sections(reports / "comparison_tables.json"),
        "verdicts": {
            name: {verdict.figure: verdict for verdict in own} for name, own in figures.read_verdicts(reports).items()
        },
        "comparison": figures.comparison_charts(reports, colours),
        "training": figures.training_charts(reports, colours),
        "solos": figures.distance_chart(families, colours),
        "families": [_family(family, path.parent) for family in progress(families, "engraving", unit="family")],
        "ways": [_way(way) for way in progress(ways, "drawing interpolations", unit="way")],
        "originality": {name: (figures.originality_chart(name, found), found) for name, found in originality.items()},
        "latent": latent_charts(data / "explored"),
    }
    files.write_text(path, render(content))


def render(content: Mapping[str, Any]) -> str:
    """Render the template; its content policy lets a browser run only the page's scripts and load nothing."""
    pages = Environment(
        loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    pages.filters["figure"] = script_safe
    scripts = [get_plotlyjs(), (WEB / "page.js").read_text(encoding="utf-8")]
    style = (WEB / "page.css").read_text(encoding="utf-8")
    return pages.get_template("page.html").render(
        **content,
        scripts=[Markup(script) for script in scripts],  # of plotly and of this package
        style=Markup(style),
        policy=_policy(scripts),
        verdict_names=VERDICTS,
        address=address,
        words_of_column=words_of_column,
        pixels_a_second=svg_piano_roll.PIXELS_A_SECOND,
    )


def script_safe(content: Any) -> Markup:
    """JSON for a script element, escaped so that no text can end the element."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c").replace("&", "\\u0026")
    return Markup(text)  # escaped in the line above


def _policy(scripts: list[str]) -> str:
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; "
        "style-src 'unsafe-inline'; img-src data: blob:; media-src data:; base-uri 'none'; form-action 'none'"
    )  # plotly sets inline styles


def _sections(path: Path) -> list[Section]:
    return read_sections(path) if path.is_file() else []


def _family(family: Family, page: Path) -> dict[str, Any]:
    """A family for the template; `page` is the folder of the page."""
    return {
        "name": family.name,
        "count": len(family.solos),
        "real": sorted(family.real)[(len(family.real) - 1) // 2] if family.real else None,
        "chosen": {label: _solo(solo, family.name, page) for label, solo in family.chosen.items()},
    }


def _solo(solo: ReportSolo, family: str, page: Path) -> dict[str, Any]:
    notes = len(solo.score.notes) > 0
    sheet = concert_sheet(solo.score, solo.title) if notes else None
    return {
        "title": solo.title,
        "facts": solo.facts,
        "distance": solo.distance,
        "transcribed": solo.transcribed,
        "chords": bool(solo.score.chords),
        "sound": sound_uri(solo.wave),
        "wav": quote(Path(os.path.relpath(solo.wave, page)).as_posix()),  # twenty times the size of the MP3: a link
        "count_in_seconds": solo.count_in_seconds,
        "roll": Markup(svg_piano_roll.draw(solo.score, f"Piano roll of {solo.title}"))
        if notes
        else None,  # escaped as XML
        "sheet": data_uri("image/svg+xml", draw_coloured(sheet).encode()) if sheet else None,
        "file": f"{family}_{_file_name(solo.title)}",
        "midi": midi_uri(solo.score) if notes else None,
        "musicxml": data_uri("application/vnd.recordare.musicxml+xml", as_musicxml(sheet).encode()) if sheet else None,
        "picture": picture_uri(solo.picture) if solo.picture and solo.picture.is_file() else None,
    }


def _file_name(title: str) -> str:
    """The end of a title, which differs between solos, as the name of a file without suffix."""
    return re.sub(r"\W+", "_", title)[-60:].strip("_")


def _way(way: Way) -> dict[str, Any]:
    steps = [
        {
            "alpha": step.alpha,
            "to_first": step.to_first,
            "to_second": step.to_second,
            "new_bars": step.new_bars,
            "sound": sound_uri(step.wave),
            "file": f"step_{step.alpha * 100:03.0f}",
            "midi": midi_uri(step.score),
            "musicxml": None,
            "wav": None,
            "roll": Markup(svg_piano_roll.draw(step.score, f"Piano roll at {step.alpha:.0%}")),
        }
        for step in way.steps
    ]
    return {"first": way.first, "second": way.second, "steps": steps}
