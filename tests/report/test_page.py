"""The page is self-contained, escapes all text, and names missing parts."""

import base64
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tiny_run import FAMILY, HOSTILE, REAL_SOLOS, SINGER

from yardbird import files
from yardbird.data.reading import load_midi
from yardbird.metrics.solo_metrics import describe
from yardbird.report.latent_charts import latent_charts
from yardbird.report.metric_names import in_words
from yardbird.report.page import script_safe, write_report
from yardbird.report_tables import address

METRICS_PAGE = Path(__file__).resolve().parents[2] / "docs/metrics.md"
#: Attributes with which a page can load or link other files.
LOADING = {"src", "href", "srcset", "data", "poster", "action", "formaction", "xlink:href", "background", "style"}


class Elements(HTMLParser):
    """Collects every element with its attributes, and the text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] not in ("script", "style"):
            self.text += data


@pytest.fixture(scope="module")
def elements(page: Path) -> Elements:
    return Elements(page.read_text(encoding="utf-8"))


def test_nothing_in_the_page_loads_or_links_other_files(elements: Elements) -> None:
    addresses = [
        value or "" for _, attributes in elements.found for name, value in attributes.items() if name in LOADING
    ]
    assert len([address for address in addresses if address.startswith("data:audio/mpeg;base64,")]) == 6
    assert {
        address for address in addresses if re.search(r"//|url\(", re.sub(r"data:[\w/+]+;base64,\S*", "", address))
    } == set()
    assert not {tag for tag, _ in elements.found} & {"link", "iframe", "object", "embed", "base", "form"}


def test_its_policy_allows_only_its_two_scripts(elements: Elements) -> None:
    (policy,) = [a["content"] for tag, a in elements.found if "http-equiv" in a and tag == "meta"]
    assert policy
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert policy.count("'sha256-") == 2
    assert not re.search(r"https?:|\*|unsafe-eval|script-src[^;]*unsafe", policy)


def test_markup_in_titles_names_prompts_and_reasons_is_escaped(page: Path, elements: Elements) -> None:
    scripts = [attributes for tag, attributes in elements.found if tag == "script"]
    assert all(attributes.get("type") == "application/json" for attributes in scripts[:-2])
    assert not [
        a for tag, a in elements.found if "onerror" in a or (tag == "img" and not str(a["src"]).startswith("data:"))
    ]
    assert HOSTILE not in page.read_text(encoding="utf-8")
    assert elements.text.count(HOSTILE) == 19, (
        "artist, setting, tables and captions (4), prompt, unknown words, ends of the way, title of a chart, file, "
        "reason, remedy, set aside, health (4)"
    )


def test_every_family_has_its_solos_as_sound_picture_and_notation(elements: Elements) -> None:
    assert [name in elements.text for name in (FAMILY, SINGER)] == [True, True]
    pictures = [str(a["alt"]) for tag, a in elements.found if tag == "img"]
    assert sum("in notes" in alt for alt in pictures) == 3, "the best and the median of one family, the sound's own"
    assert sum("Spectrogram" in alt for alt in pictures) == 1
    assert "The corpus is synthetic." in elements.text


def test_the_page_starts_with_the_best_solos_and_ends_with_the_run(elements: Elements) -> None:
    ids = [a["id"] for tag, a in elements.found if tag == "section"]
    assert ids[:3] == ["best", "verdicts", "comparison"]
    assert ids[-1] == "run"
    linked = [str(a["href"]) for tag, a in elements.found if tag == "a" and str(a.get("href")).startswith("#")]
    assert linked == [f"#{name}" for name in ids]


def test_a_verdict_is_a_green_or_red_cell_with_its_value(elements: Elements) -> None:
    cells = {str(a["data-verdict"]): a.get("class") for tag, a in elements.found if "data-verdict" in a}
    assert cells == {
        "original": "no", "coherent phrases": None, "coherent changes": "yes", "coherent traits": None,
    }  # fmt: skip
    text = " ".join(elements.text.split())
    assert "Yes: 75% of 12 solos follow their changes (required: 60%); 95% interval 50% to 90%" in text
    assert "No: 5.0% of runs of 8 intervals occur in training solos (limit 2.0%)" in text
    assert text.count("not measured") == 2


def test_tables_of_the_comparison_mark_their_signs_and_link_to_the_metrics(elements: Elements) -> None:
    classes = [str(a["class"]).split() for tag, a in elements.found if tag == "td" and "data-verdict" not in a and a]
    assert [[name for name in own if name != "short"] for own in classes] == [
        [], ["no"], ["yes"], [], ["no"], [], [], ["no"],
    ]  # fmt: skip
    links = {str(a["href"]) for tag, a in elements.found if tag == "a" and str(a.get("href")).startswith("../docs/")}
    assert "../docs/metrics.md#pitch" in links
    headings = re.findall(r"^#+ (.+)$", METRICS_PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert links <= {address(heading) for heading in headings}


def test_each_solo_links_the_wav_in_the_folder_of_its_run(elements: Elements, page: Path) -> None:
    links = {str(a["href"]) for tag, a in elements.found if tag == "a" and str(a.get("href")).endswith(".wav")}
    assert {Path(link).name for link in links} == {"one.wav", "solo_0.wav", "solo_1.wav"}
    assert all((page.parent / link).is_file() for link in links)


def charts_of(page: Path) -> dict[str, Any]:
    blocks = re.findall(r'<script type="application/json" data-for="(\w+)">(.*?)</script>', page.read_text(), re.DOTALL)
    return {name: json.loads(content) for name, content in blocks}


def test_charts_contain_their_values(page: Path) -> None:
    charts = charts_of(page)
    assert set(charts) == {
        "distances", f"curve_{FAMILY}", "solos", f"originality_{FAMILY}", "tempo", "range", "latent_map", "transfer_0",
        "arithmetic",
    }  # fmt: skip
    heat = charts[f"originality_{FAMILY}"]["data"][0]
    assert heat["z"] == [[0.5, 0.25, 0, 0], [None] * 4, [0.4, 0.2, 0.1, 0.05]]
    assert heat["y"] == ["one", "two", "self quotation, as long (mean)"]
    assert heat["customdata"][0][0] == "longest run 7 intervals: bar 1 = &lt;b>Étude&lt;/b> bar 2, −1"
    curve = {trace["name"]: trace for trace in charts[f"curve_{FAMILY}"]["data"]}
    assert curve["validation_nats_per_note"]["y"] == [6.5, 5.5, 5.6]
    assert [curve[name]["visible"] for name in ("validation_nats_per_note", "train_loss")] == [True, False]


def test_charts_of_the_latent_space_show_the_map_the_control_and_the_effects(page: Path) -> None:
    charts = charts_of(page)
    assert [trace["name"] for trace in charts["latent_map"]["data"]] == [
        HOSTILE.replace("&", "&amp;").replace("<", "&lt;"),
        "Bea",
    ]
    transfer = {trace["name"]: trace["y"] for trace in charts["transfer_0"]["data"]}
    assert transfer["random directions (mean)"] == pytest.approx([0.2, 0.4])
    assert transfer["rhythm kept"] == [0.9, 0.9]
    (heat,) = charts["arithmetic"]["data"]
    assert heat["y"] == ["more blues", "more density", "random direction 1"]
    assert heat["text"][0] == ["+0.50", "+0.00"]


def test_charts_leave_gaps_where_silence_has_no_value(tmp_path: Path) -> None:
    tables = {
        "transfer/transfer": "from,to,way,strength,verdict,rhythm_kept\nA,B,intervals,0,0.2,1\nA,B,intervals,1,0.3,",
        "arithmetic/arithmetic": "way,strength,blues,register\nblues,2,0.5,\nblues,-2,-0.5,0.1\nregister,2,0,1",
    }
    for name, text in tables.items():
        files.write_text(tmp_path / f"{name}.csv", text)
    transfer, arithmetic = (json.loads(script_safe(chart.figure)) for chart in latent_charts(tmp_path))
    assert transfer["data"][-1]["y"] == [1, None]
    assert (arithmetic["data"][0]["z"], arithmetic["data"][0]["text"]) == (
        [[0.5, None], [0, 1]],
        [["+0.50", "–"], ["+0.00", "+1.00"]],
    )


def test_a_family_has_one_colour_in_charts_headings_and_tables(page: Path, elements: Elements) -> None:
    charts = charts_of(page)
    colours = {
        trace["marker"]["color"]
        for name in ("distances", "solos")
        for trace in charts[name]["data"]
        if trace["name"] == FAMILY
    }
    colours |= {trace["line"]["color"] for trace in charts[f"curve_{FAMILY}"]["data"]}
    styles = {str(a["style"]) for tag, a in elements.found if str(a.get("class")) == "family"}
    (colour,) = colours
    assert f"--family: {colour}" in styles
    assert len(styles) == 2, "one a family"


def test_metrics_have_a_musicians_name_with_the_symbol_below_it(page: Path) -> None:
    labels = charts_of(page)["distances"]["data"][0]["y"]
    assert "variety of notes in a bar<br><i>h1</i>" in labels
    assert all("<br>" in in_words(metric) for metric in describe(REAL_SOLOS[0])), "every metric has one"


def test_solos_are_downloads_that_a_notation_program_opens(elements: Elements, tmp_path: Path) -> None:
    found = [(str(a["download"]), a.get("href")) for tag, a in elements.found if tag == "a" and "download" in a]
    kinds = [Path(name).suffix for name, _ in found]
    assert {kind: kinds.count(kind) for kind in kinds} == {".mp3": 6, ".mid": 6, ".musicxml": 3}
    assert all(re.fullmatch(r"[\w.]+", name) for name, _ in found)
    for name, link in found:
        if link:  # that of a sound is set by the script
            (tmp_path / name).write_bytes(base64.b64decode(link.partition(",")[2]))
            assert len(load_midi(tmp_path / name).notes) > 0


def test_an_unusually_long_run_is_marked(elements: Elements) -> None:
    text = " ".join(elements.text.split())
    assert "In 97.5 % of sets of training solos no run exceeds 6 intervals" in text
    assert re.findall(r"(one|two)(\d+)( unusual)?", elements.text) == [("one", "7", " unusual"), ("two", "0", "")]


def test_the_health_of_each_source_and_each_finding_is_a_row(elements: Elements) -> None:
    text = " ".join(elements.text.split())
    assert f"{HOSTILE}43 written, 1 timed1.5012: 2.50 %" in text
    assert f"warning: no chords1{HOSTILE}{HOSTILE}{HOSTILE}" in text


def test_a_mixed_corpus_and_a_synthetic_one_have_different_notices(
    run: Path, elements: Elements, tmp_path: Path
) -> None:
    assert "The corpus is synthetic." in elements.text
    shutil.copytree(run / "data/ingested", tmp_path / "data/ingested")
    path = tmp_path / "data/ingested/mine/manifest.csv"
    text = path.read_text().replace("(synthetic)", "", 1)
    path.write_text(text)
    write_report(tmp_path, tmp_path / "index.html", ["mine"])
    text = Elements((tmp_path / "index.html").read_text(encoding="utf-8")).text
    assert "The corpus is partly synthetic, 3 of 4 solos: etudes composed by rule and attributed" in text
    assert "The corpus is synthetic" not in text
    path.write_text(path.read_text().replace("(synthetic)", ""))
    write_report(tmp_path, tmp_path / "index.html", ["mine"])
    assert "synthetic" not in Elements((tmp_path / "index.html").read_text(encoding="utf-8")).text


def test_the_same_run_gives_the_same_bytes(run: Path, page: Path, tmp_path: Path) -> None:
    write_report(run, tmp_path / "again.html", ["mine"])
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_each_missing_part_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_report(tmp_path, tmp_path / "index.html", ["mine"])
    text = " ".join(Elements((tmp_path / "index.html").read_text(encoding="utf-8")).text.split())
    for sentence in (
        "Code unknown",
        "Nothing has been ingested.",
        "there is no dvc.lock",
        "No verdicts have been measured.",
        "The models have not been compared.",
        "The comparison has no charts.",
        "There are no training curves.",
        "No solos have been generated.",
        "The latent space has not been explored.",
        "No experiments in the latent space have run.",
        "Originality has not been measured.",
        "Nothing was rejected.",
        "The data has not been examined.",
        "Nothing has been encoded.",
        "There are no solos to count.",
    ):
        assert sentence in text


def test_no_text_in_a_script_can_end_it() -> None:
    safe = script_safe({"title": HOSTILE})
    assert "<" not in safe
    assert json.loads(safe) == {"title": HOSTILE}
