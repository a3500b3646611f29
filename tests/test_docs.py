"""The documentation: links resolve, every file and metric is explained, examples run, the site builds offline."""

import ast
import importlib
import importlib.util
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from yardbird.metrics.solo_metrics import METRICS
from yardbird.music.score import Score, make_notes

ROOT = Path(__file__).resolve().parents[1]
DOCS, SOURCE = ROOT / "docs", ROOT / "src/yardbird"
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(DOCS.rglob("*.md"))
EXAMPLES = sorted((DOCS / "extending").glob("*.md"))


def slug(heading: str) -> str:
    """The anchor of a heading, as Python-Markdown's `toc` makes it."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower())


def anchors(page: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)}


def code_blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


def tree_of(text: str) -> dict[str, str]:
    """Path → clause of the lines of an indented tree, whose folders end in a slash."""
    folders: list[str] = []
    found = {}
    for line in text.splitlines():
        name, _, clause = line.strip().partition("  ")
        folders = folders[: (len(line) - len(line.lstrip())) // 2]
        if name.endswith("/"):
            folders.append(name)
        else:
            found["".join([*folders, name])] = clause.strip()
    return found


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_or_a_heading_resolves(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_the_notebook_is_stored_without_outputs_and_its_links_lead_to_pages():
    notebook = ROOT / "notebooks/first_solos.ipynb"
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(code)
    targets = re.findall(r"\]\(([^)\s]+)\)", "".join("".join(cell["source"]) for cell in cells))
    assert len(targets) >= 3
    assert [target for target in targets if not (notebook.parent / target).is_file()] == []


def test_the_check_finds_a_link_to_a_missing_heading(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Nats per note\n\n## What `x` does, and why\n")
    assert anchors(page) == {"nats-per-note", "what-x-does-and-why"}


def test_every_file_of_the_library_has_a_line_in_the_tree_and_every_line_a_file():
    tree = next(block for block in code_blocks(DOCS / "architecture.md", "text") if block.startswith("src/yardbird/"))
    clauses = tree_of(tree)
    files = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and (path.name != "__init__.py" or path.stat().st_size)
    }
    assert set(clauses) == files
    assert not [path for path, clause in clauses.items() if not clause]


def test_every_metric_of_a_solo_is_explained():
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")
    short = {"phrase_length_p10": "`_p10`", "phrase_length_p90": "`_p90`", "off_beat_chord_tone_rate": "`off_beat_`"}
    short |= {"on_beat_chord_tone_rate": "`on_beat_`"}
    assert not [name for name in METRICS if f"`{name}`" not in text and short.get(name, "—") not in text]


def test_every_package_has_a_page_of_reference():
    packages = {path.parent.name for path in SOURCE.glob("*/*.py")}
    pages = {path.stem for path in (DOCS / "reference").glob("*.md")} - {"index", "foundations"}
    assert pages == packages


def test_every_path_of_code_in_the_table_of_changes_exists():
    """`to change X, edit Y` is wrong if Y has moved."""
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    table = re.search(r"^\| to change \|.*?\n\n", text, re.M | re.S)
    assert table is not None
    rows = table[0].splitlines()[2:]
    assert len(rows) >= 20
    paths = re.findall(r"`([\w/.-]+(?:\.py|\.csv|\.yaml|/))`", table[0])
    assert not [path for path in paths if not ((SOURCE / path).exists() or (ROOT / path).exists())]


def test_every_module_that_a_page_names_exists():
    """If a module moves, the pages that name it must change."""
    # what examples add
    own = {"stages/census.py", "src/yardbird/data/census.py", "src/yardbird/serving/my_model_endpoint.py"}
    missing = {}
    for page in PAGES:
        named = set(re.findall(r"`([\w./-]+/[\w-]+\.py)", page.read_text(encoding="utf-8"))) - own
        missing[page.name] = {path for path in named if not ((SOURCE / path).exists() or (ROOT / path).exists())}
    assert not {name: paths for name, paths in missing.items() if paths}


def test_every_test_that_a_promise_names_exists():
    """A promise whose test was renamed or deleted is not held any more."""
    promises = (DOCS / "promises.md").read_text(encoding="utf-8")
    commands = re.findall(r"\| `(?:pytest|python) ([^`]*)` \|", promises)
    assert len(commands) >= 15
    assert all((ROOT / word).is_file() for command in commands for word in command.split() if word.endswith(".py"))
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", promises)
    assert len(named) >= 40
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / file).is_file() or f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]
    assert missing == []


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.stem)
def test_the_imports_of_an_example_exist(page):
    """Except for the module that the example itself adds."""
    for block in code_blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if not isinstance(node, ast.ImportFrom) or not str(node.module).startswith("yardbird"):
                continue
            if node.module == "yardbird.data.census":
                continue
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                assert hasattr(module, alias.name) or importlib.util.find_spec(f"{node.module}.{alias.name}")


def test_the_metric_of_the_example_passes_its_own_test():
    def line(pitches):
        return Score(12, make_notes([(12 * beat, 9, pitch, 90) for beat, pitch in enumerate(pitches)]), 96)

    metric, test = code_blocks(DOCS / "extending/add-a-metric.md", "python")
    names = {"np": np, "Score": Score}
    exec(metric + test, names)
    names["test_a_fourth_is_no_leap_and_a_fifth_is_one"](line)


def test_the_stage_of_the_example_counts_solos():
    library, script = code_blocks(DOCS / "extending/add-a-stage.md", "python")
    names = {"__name__": "census"}
    exec(library, names)
    rows = [SimpleNamespace(artist=artist, notes=10) for artist in ("Ada", "Bo", "Ada")]
    counted = names["census"](rows, names["CensusConfig"](fewest_solos=2))
    assert counted == [{"artist": "Ada", "solos": 2, "notes": 20}]
    ast.parse(script)


class External(HTMLParser):
    """Scripts, styles, fonts, pictures and sounds that a page loads from another server."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        loaded = {"script": "src", "link": "href", "img": "src", "audio": "src", "source": "src", "iframe": "src"}
        address = dict(attrs).get(loaded.get(tag, ""), "") or ""
        if re.match(r"(https?:)?//", address):
            self.found.append(f"<{tag}> {address}")


def test_the_check_finds_an_external_script():
    page = External()
    page.feed('<script src="//cdn.example/x.js"></script><a href="https://example.org">a link</a>')
    assert page.found == ["<script> //cdn.example/x.js"]


@pytest.mark.slow  # `make lint` builds it, too
def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 40
    for path in pages:
        page = External()
        page.feed(path.read_text(encoding="utf-8"))
        assert page.found == [], path.name
    for style in (tmp_path / "site").rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", style.read_text(encoding="utf-8")), style.name
