"""Every flag, every expectation and every finding has one explanation."""

import ast
import re
from pathlib import Path

import pytest

from yardbird.config import read_section
from yardbird.data.findings import KINDS, SAID_BY, explain, kind_of, rank
from yardbird.data.ingest import survey
from yardbird.data.reading import IngestConfig
from yardbird.data.validation import ValidateConfig

#: The modules that set flags.
FLAGGING = ("data/ingest.py", "data/reading.py", "data/bar_lines.py", "data/solo_line.py", "music/midi.py")
FLAG = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


def flags_in(source: str) -> set[str]:
    """The flags that code sets: the texts in what is added to, assigned to or returned as a list of flags."""
    found = set()

    def collect(node: ast.AST) -> None:
        for inner in ast.walk(node):
            if isinstance(inner, ast.List | ast.Tuple):
                for text in map(head, inner.elts):
                    found.update({text} if text else ())
            elif isinstance(inner, ast.Call) and ast.unparse(inner.func).endswith("append"):
                found.update(filter(None, map(head, inner.args)))

    def head(node: ast.AST) -> str:
        if isinstance(node, ast.JoinedStr):
            node = node.values[0]
        name = node.value.partition(":")[0] if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        return name if FLAG.fullmatch(name) else ""

    def about_flags(node: ast.AST) -> bool:
        return any(isinstance(inner, ast.Name) and inner.id.endswith("flags") for inner in ast.walk(node))

    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            flagging = isinstance(node, ast.Assign | ast.AugAssign | ast.Expr) and about_flags(node)
            if flagging or (isinstance(node, ast.Return) and "list[str]" in ast.unparse(function.returns or node)):
                collect(node)
    return found


def test_the_search_for_flags_finds_them_wherever_they_are_set():
    source = """
def one() -> tuple[int, list[str]]:
    flags = ["first"]
    flags += [f"second:{3}"] if 1 else []
    flags.append("third")
    names = ["none"]
    return 1, ["fourth"] if names else []
"""
    assert flags_in(source) == {"first", "second", "third", "fourth"}


@pytest.mark.parametrize("module", FLAGGING)
def test_every_flag_in_the_code_is_explained(module: str, root: Path):
    """A name that ends before a value, as `chords_from_{kind}`, is explained by the kinds that start with it."""
    for flag in flags_in((root / "src/yardbird" / module).read_text(encoding="utf-8")):
        assert any(kind.startswith(flag) for kind in KINDS), f"{flag} in {module} has no entry in data/findings.py"


def test_flags_are_set_in_no_other_module(root: Path):
    for path in sorted((root / "src/yardbird/data").glob("*.py")):
        module = path.relative_to(root / "src/yardbird").as_posix()
        if module not in (*FLAGGING, "data/health.py"):
            assert flags_in(path.read_text(encoding="utf-8")) & KINDS.keys() == set(), module


def test_every_expectation_is_explained_with_its_severity():
    from yardbird.data.expectations import manifest_expectations, note_expectations

    config = ValidateConfig("stop", (20, 600), (36, 96), 1, 0.8)
    for expectation in (*manifest_expectations(config), *note_expectations(config)):
        name = expectation.meta["name"]
        severity = "error" if expectation.severity == "critical" else "warning"
        assert name in SAID_BY or KINDS[name].severity == severity, name


def test_the_flags_of_real_solos_are_explained(shared: Path, root: Path):
    config = read_section("ingest", IngestConfig, root / "params.yaml")
    for source in ("parker", "coltrane", "odd"):
        for solo in survey(shared / source, source, config).used:
            assert {kind_of(flag) for flag in filter(None, solo.row.flags.split("|"))} <= KINDS.keys()


def test_each_explanation_is_two_sentences():
    for name, kind in KINDS.items():
        for sentence in (kind.pipeline, kind.remedy):
            assert re.fullmatch(r"[A-Z].*\.", sentence), f"{name}: {sentence}"


def test_a_flag_without_an_explanation_is_shown_as_a_note():
    assert kind_of("new_flag:3") == "new_flag"
    assert explain("new_flag").severity == "note"
    assert rank("rejected") < rank("no_chords") < rank("new_flag")
