"""Draws MusicXML as SVG with verovio; all text becomes outlines, so that no viewer needs a font.

verovio sets text in Times and in its music font Leipzig. The outlines are those of STIX, which has the widths of Times
and comes with matplotlib, and those of Leipzig in verovio's own folder.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib
import verovio
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path as Outline
from matplotlib.textpath import text_to_path

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_LEIPZIG = "Leipzig"
_SHARED: Mapping[str, Any] = {
    "breaks": "line",
    "footer": "none",
    "header": "none",
    "smuflTextFont": "none",
    "svgFormatRaw": True,
    "svgViewBox": True,
    "unit": 7.6,
    "xmlIdSeed": 1,
}
#: The style that verovio gives to text in its style sheet, by the class of the group around it.
_STYLES = {
    "tempo": {"font-weight": "bold"},
    "dir": {"font-style": "italic"},
    "mNum": {"font-style": "italic"},
}
#: An A4 page, in tenths of a millimetre.
_PAGE: Mapping[str, Any] = {
    "pageHeight": 2970, "pageWidth": 2100, "pageMarginLeft": 140, "pageMarginRight": 140, "pageMarginTop": 300,
    "pageMarginBottom": 110, "scale": 100, "spacingSystem": 5,
}  # fmt: skip
#: A picture as high as the music.
_STRIP: Mapping[str, Any] = {
    "adjustPageHeight": True, "pageHeight": 60000, "pageWidth": 2100, "scale": 40,
}  # fmt: skip


def draw_strip(musicxml: str) -> str:
    """The music as one picture without title; the same input gives the same bytes."""
    (picture,) = _pages(musicxml, _STRIP)
    return ElementTree.tostring(picture, encoding="unicode")


def draw_pages(musicxml: str, title: str, instrument: str, credit: str) -> list[str]:
    """A4 pages, with the title, the instrument and a credit at the top of the first, and a running head on the others.

    The same input gives the same bytes.
    """
    pages = _pages(musicxml, _PAGE)
    left, right = _PAGE["pageMarginLeft"], _PAGE["pageWidth"] - _PAGE["pageMarginRight"]
    for number, page in enumerate(pages, start=1):
        if number == 1:
            lines = [
                (title, 1050, 180, 68, "middle"),
                (instrument, left, 255, 36, "start"),
                (credit, right, 255, 32, "end"),
            ]
        else:
            lines = [
                (f"{title} · {instrument}", left, 180, 32, "start"),
                (f"{number} of {len(pages)}", right, 180, 32, "end"),
            ]
        for text, x, y, size, anchor in lines:
            style = {
                "x": str(x),
                "y": str(y),
                "font-size": str(_fitting(text, size, right - left)),
                "text-anchor": anchor,
            }
            line = ElementTree.Element(f"{{{SVG}}}text", style)
            line.text = text
            page.append(_outlines(line, {}))
    return [ElementTree.tostring(page, encoding="unicode") for page in pages]


def _fitting(text: str, size: float, width: float) -> float:
    """The size at which a line is at most as wide as the music."""
    return min(size, size * width / max(1.0, _latin(text, False, False)[1] * size / _UNITS))


def _pages(musicxml: str, options: Mapping[str, Any]) -> list[ElementTree.Element]:
    verovio.enableLog(verovio.LOG_OFF)  # it warns about beams that are hard to draw
    toolkit = verovio.toolkit()
    toolkit.setResourcePath(str(Path(verovio.__file__).parent / "data"))  # verovio sets it in the main thread only
    toolkit.setOptions({**_SHARED, **options})
    shown = re.sub(r"<degree\b.*?</degree>", "", musicxml, flags=re.DOTALL)  # verovio would draw them twice
    assert toolkit.loadData(shown), "verovio reads the MusicXML of music21"
    return [outlined(toolkit.renderToSVG(page)) for page in range(1, toolkit.getPageCount() + 1)]


def outlined(svg: str) -> ElementTree.Element:
    """A drawing of verovio with its text as outlines, and without nested drawings."""
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    root = ElementTree.fromstring(svg)
    _set_strokes(root, "black")
    for parent in list(root.iter()):
        inherited = next((_STYLES[name] for name in parent.get("class", "").split() if name in _STYLES), {})
        for place, child in enumerate(list(parent)):
            if child.tag == f"{{{SVG}}}text":
                parent[place] = _outlines(child, inherited)
            elif child.tag == f"{{{SVG}}}svg":
                parent[place] = _as_group(child, root)
    for parent in list(root.iter()):
        for child in [child for child in parent if _is_unseen(child)]:
            parent.remove(child)
    return root


def _set_strokes(element: ElementTree.Element, colour: str) -> None:
    """Give shapes the stroke that verovio's style sheet gives them: svglib is slow with style sheets."""
    colour = element.get("color", colour)
    if element.tag.removeprefix(f"{{{SVG}}}") in ("ellipse", "path", "polygon", "polyline", "rect"):
        element.set("stroke", colour)
    for child in element:
        if child.tag != f"{{{SVG}}}defs":
            _set_strokes(child, colour)


def _is_unseen(element: ElementTree.Element) -> bool:
    unseen = (f"{{{SVG}}}desc", f"{{{SVG}}}title", f"{{{SVG}}}style")
    return element.tag in unseen or "placeholder" in element.get("class", "")


def _as_group(nested: ElementTree.Element, root: ElementTree.Element) -> ElementTree.Element:
    """A nested drawing as a group, scaled to the width of the outer one."""
    width, own = (float(drawing.attrib["viewBox"].split()[2]) for drawing in (root, nested))
    group = ElementTree.Element(f"{{{SVG}}}g", {"transform": f"scale({width / own:.6g})"})
    group.attrib.update({name: nested.attrib[name] for name in ("color", "class", "fill") if name in nested.attrib})
    group.extend(list(nested))
    return group


@dataclass(frozen=True)
class _Run:
    """Text in one font, at a place or after the run before it."""

    text: str
    size: float
    family: str
    bold: bool
    italic: bool
    anchor: str
    place: tuple[float, float] | None


def _runs(element: ElementTree.Element, style: Mapping[str, str]) -> Iterator[_Run]:
    own = {**style, **element.attrib}
    if element.text and element.text.strip("\n"):
        placed = "x" in own or "y" in own
        place = (float(own.get("x", 0)), float(own.get("y", 0))) if placed else None
        yield _Run(
            text=element.text,
            size=float(own.get("font-size", "0").removesuffix("px")),
            family=own.get("font-family", "Times"),
            bold=own.get("font-weight") == "bold",
            italic=own.get("font-style") == "italic",
            anchor=own.get("text-anchor", "start"),
            place=place,
        )
        own = {name: value for name, value in own.items() if name not in ("x", "y")}
    for child in element:
        used = False
        for run in _runs(child, own):
            used = True
            yield run
        if used:
            own = {name: value for name, value in own.items() if name not in ("x", "y")}


def _outlines(text: ElementTree.Element, inherited: Mapping[str, str]) -> ElementTree.Element:
    """The outlines of a text element, run after run; runs up to the next given place are anchored together."""
    group = ElementTree.Element(f"{{{SVG}}}g", {"class": "outlines"})
    chunks: list[list[_Run]] = []
    for run in _runs(text, inherited):
        if run.place is not None or not chunks:
            chunks.append([])
        chunks[-1].append(run)
    for chunk in chunks:
        x, y = chunk[0].place or (0.0, 0.0)
        widths = [_shape(run)[1] for run in chunk]
        x -= {"end": 1.0, "middle": 0.5}.get(chunk[0].anchor, 0.0) * sum(widths)
        for run, width in zip(chunk, widths, strict=True):
            shape = _shape(run)[0]
            scale = run.size / _UNITS
            if shape and scale:
                ElementTree.SubElement(
                    group,
                    f"{{{SVG}}}path",
                    {"d": shape, "transform": f"translate({x:.5g}, {y:.5g}) scale({scale:.5g}, {-scale:.5g})"},
                )
            x += width
    return group


_UNITS = 1000  # of an em


def _shape(run: _Run) -> tuple[str, float]:
    """The outline of a run as SVG path data in thousandths of an em, and its width in units of the drawing."""
    if run.family == _LEIPZIG:
        glyphs = [_glyph(character) for character in run.text]
        data, width = "", 0.0
        for outline, advance in glyphs:
            data += outline  # a run of the music font has a single glyph
            width += advance
        return data, width * run.size / _UNITS
    data, width = _latin(run.text, run.bold, run.italic)
    return data, width * run.size / _UNITS


@lru_cache
def _glyph(character: str) -> tuple[str, float]:
    """A glyph of Leipzig: its outline and its width, in thousandths of an em."""
    folder = Path(verovio.__file__).parent / "data"
    code = f"{ord(character):04X}"
    outline = ElementTree.parse(folder / _LEIPZIG / f"{code}.xml").getroot().find(".//{*}path")
    table = ElementTree.parse(folder / f"{_LEIPZIG}.xml").getroot()
    own = next(glyph for glyph in table.iter() if glyph.get("c") == code)
    return "" if outline is None else outline.attrib["d"], float(own.attrib["h-a-x"])


@lru_cache(maxsize=4096)
def _latin(text: str, bold: bool, italic: bool) -> tuple[str, float]:
    name = f"STIXGeneral{'Bol' if bold else ''}{'Ita' if bold and italic else 'Italic' if italic else ''}.ttf"
    font = FontProperties(fname=Path(matplotlib.get_data_path()) / "fonts/ttf" / name)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    vertices, codes = text_to_path.get_text_path(font, text)
    scale = _UNITS / text_to_path.FONT_SCALE
    pieces = []
    for points, code in Outline(vertices, codes).iter_segments(curves=True, simplify=False) if len(codes) else ():
        letter = {Outline.MOVETO: "M", Outline.LINETO: "L", Outline.CURVE3: "Q", Outline.CURVE4: "C"}.get(code, "Z")
        numbers = "" if letter == "Z" else " ".join(f"{value * scale:.0f}" for value in points)
        pieces.append(letter + numbers)
    return "".join(pieces), width * _UNITS / font.get_size_in_points()
