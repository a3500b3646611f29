"""Every flag, every expectation and every finding has one explanation."""

import ast
import re
from pathlib import Path

import pytest

from yardbird.data.findings import KINDS, SAID_BY, explain, kind_of, rank
from yardbird.data.ingest import survey
from yardbird.data.reading import IngestConfig
from yardbird.data.validate_config import ValidateConfig

FLAG = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


def flags_in(source: str) -> set[str]:
    """The flags that code sets: texts in lists, dicts and `append` where a name that ends with `flags` is set or used,
    texts that such a function returns, and keys of counters called `faults` or `counts`.
    """
    found: set[str] = set()

    def head(node: ast.AST | None) -> set[str]:
        node = node.left if isinstance(node, ast.BinOp) else node
        node = node.values[0] if isinstance(node, ast.JoinedStr) else node
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        return {name} if FLAG.fullmatch(name := text.partition(":")[0]) else set()

    def collect(node: ast.AST) -> None:
        for inner in ast.walk(node):
            texts: list[ast.AST | None] = []
            if isinstance(inner, ast.List | ast.Tuple):
                texts = [*inner.elts]
            elif isinstance(inner, ast.ListComp):
                texts = [inner.elt]
            elif isinstance(inner, ast.Dict):
                texts = [*inner.keys]
            elif isinstance(inner, ast.Call) and ast.unparse(inner.func).endswith("append"):
                texts = [*inner.args]
            found.update(*map(head, texts))

    def about_flags(node: ast.AST) -> bool:
        names = (inner.id if isinstance(inner, ast.Name) else getattr(inner, "attr", "") for inner in ast.walk(node))
        return any(name.endswith(("flags", "counts", "extra")) for name in names)

    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith(("faults", "counts")):
            found.update(head(node.slice))
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.Return) and about_flags(node):
            collect(node)
        elif isinstance(node, ast.FunctionDef) and (
            node.name.endswith("flags") or "list[str]" in ast.unparse(node.returns or ast.Constant(""))
        ):
            for returned in filter(lambda inner: isinstance(inner, ast.Return), ast.walk(node)):
                collect(returned)
    return found


def test_the_search_for_flags_finds_them_wherever_they_are_set():
    source = """
def one() -> tuple[int, list[str]]:
    flags = ["first"]
    flags += [f"second:{3}"] if 1 else []
    flags.append("third")
    flags += [f"sixth:{part}" for part in ()]
    names = ["none"]
    self.counts["seventh"] = 8
    faults[f"eighth:{9}"] += 1
    key_flags = {"ninth": 2}
    return 1, ["fourth"] if names else []

def my_flags():
    return ["fifth"]

def other(flags):
    return Reading((*flags, "tenth"))
"""
    names = "first second third fourth fifth sixth seventh eighth ninth tenth"
    assert flags_in(source) == set(names.split())


@pytest.mark.parametrize("package", ["data", "music"])
def test_every_flag_in_the_code_is_explained(package: str, root: Path):
    """An f-string such as `chords_from_{kind}` is explained by the kinds that start with its constant part."""
    for path in sorted((root / "src/yardbird" / package).rglob("*.py")):
        for flag in sorted(flags_in(path.read_text(encoding="utf-8"))):
            explained = any(kind == flag or (flag.endswith("_") and kind.startswith(flag)) for kind in KINDS)
            assert explained, f"{flag}, set in {path.name}, has no entry in data/findings.py"


def test_every_expectation_is_explained_with_its_severity():
    from yardbird.data.expectations import manifest_expectations, note_expectations

    config = ValidateConfig("stop", (20, 600), (36, 96), 1, 0.8)
    for expectation in (*manifest_expectations(config), *note_expectations(config)):
        name = expectation.meta["name"]
        severity = "error" if expectation.severity == "critical" else "warning"
        assert name in SAID_BY or KINDS[name].severity == severity, name


def test_the_flags_of_real_solos_are_explained(shared: Path, ingest_config: IngestConfig):
    for source in ("parker", "coltrane", "odd"):
        for solo in survey(shared / source, source, ingest_config).used:
            assert {kind_of(flag) for flag in filter(None, solo.row.flags.split("|"))} <= KINDS.keys()


def test_each_explanation_is_two_sentences():
    for name, kind in KINDS.items():
        for sentence in (kind.pipeline, kind.remedy):
            assert re.fullmatch(r"[A-Z].*\.", sentence), f"{name}: {sentence}"


def test_a_flag_without_an_explanation_is_shown_as_a_note():
    assert kind_of("new_flag:3") == kind_of("new_flag x2") == kind_of("new_flag:a b x2") == "new_flag"
    assert explain("new_flag").severity == "note"
    assert rank("rejected") < rank("no_chords") < rank("new_flag")
