"""MusicXML rewritten so that music21 reads what it would miss: ties, jumps, tempos, lengths, cue notes and numerals."""

import re
from collections import Counter
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

#: Attributes of `sound` → the words of the same jump or target.
_JUMPS = {"dacapo": "D.C.", "dalsegno": "D.S.", "fine": "Fine", "tocoda": "To Coda", "segno": "Segno", "coda": "Coda"}
_QUARTERS = {"whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25, "32nd": 0.125}


def repaired(text: str) -> tuple[str, Counter[str]]:
    """Repair a score and count what is left out, by flag.

    Args:
        text: MusicXML without entities.
    """
    score = ElementTree.fromstring(text)
    counts: Counter[str] = Counter()
    for element in score.iter():
        element.tag = element.tag.rpartition("}")[2]  # without the namespace
    for tempo in score.iter("per-minute"):  # "c. 180", where music21 needs a number
        if number := re.search(r"\d+(?:\.\d+)?", tempo.text or ""):
            tempo.text = number[0]
    for part in score.findall("part"):
        _add_divisions(part)
        if part.find(".//staff") is None:  # otherwise music21 looks for the notes of each staff
            for attributes in part.iter("attributes"):
                for staves in attributes.findall("staves"):
                    attributes.remove(staves)
        for measure in part.findall("measure"):
            _repair_measure(measure, counts)
    return ElementTree.tostring(score, encoding="unicode"), counts


def _add_divisions(part: Element) -> None:
    """Without `divisions`, find them from the first note that has both a type and a duration."""
    if part.find(".//divisions") is not None or (first := part.find("measure")) is None:
        return
    divisions = 1
    for note in part.iter("note"):
        duration, quarters = note.findtext("duration", ""), _QUARTERS.get(note.findtext("type", ""))
        if duration.isdecimal() and quarters and note.find("dot") is None and note.find("time-modification") is None:
            divisions = max(1, round(int(duration) / quarters))
            break
    attributes = first.find("attributes")
    if attributes is None:
        attributes = Element("attributes")
        first.insert(0, attributes)
    element = Element("divisions")
    element.text = str(divisions)
    attributes.insert(0, element)


def _repair_measure(measure: Element, counts: Counter[str]) -> None:
    for element in list(measure):
        if element.tag == "note":
            _repair_note(measure, element, counts)
        elif element.tag == "harmony" and element.find("root") is None and element.findtext("kind") != "none":
            counts["numerals_unread"] += 1  # music21 never ends on a chord without a root
            measure.remove(element)
        elif element.tag == "sound":
            _add_jumps(measure, element, element)
        elif element.tag == "direction" and (sound := element.find("sound")) is not None:
            _add_jumps(measure, element, sound)


def _repair_note(measure: Element, note: Element, counts: Counter[str]) -> None:
    """Cue notes become rests, because another player plays them; `tied` without `tie` gets it."""
    if note.find("cue") is not None and note.find("rest") is None:
        counts["cue_notes_left_out"] += 1
        if note.find("chord") is not None:
            measure.remove(note)
            return
        for pitch in [*note.findall("pitch"), *note.findall("unpitched")]:
            note.insert(list(note).index(pitch), Element("rest"))
            note.remove(pitch)
        return
    if note.find("tie") is None:
        kinds = {tied.get("type") for tied in note.findall("notations/tied")}
        for kind in ("stop", "start"):
            if kinds & {kind, "continue"}:
                SubElement(note, "tie", type=kind)


def _add_jumps(measure: Element, place: Element, sound: Element) -> None:
    """Write the jumps of a `sound` element as words, unless words or signs say them beside it."""
    said = "".join(place.itertext()).strip()
    signs = {sign.tag for sign in place.iter() if sign.tag in ("segno", "coda")}
    for name, words in _JUMPS.items():
        if sound.get(name, "no") == "no" or said or name in signs:
            continue
        if name == "tocoda":  # the same sign marks the jump and its target
            for kind in place.findall("direction-type"):
                for sign in kind.findall("coda"):
                    kind.remove(sign)
        direction = Element("direction")
        SubElement(SubElement(direction, "direction-type"), "words").text = words
        measure.insert(list(measure).index(place) + 1, direction)
