"""`deps` and `params` in dvc.yaml are the modules that the stages import and the parameters that they read."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from yardbird.models.family import load_family
from yardbird.pipeline import Stage, read_stages

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"


PIPELINE = YAML(typ="safe").load(ROOT / "dvc.yaml")
FAMILIES = next(entry["families"] for entry in PIPELINE["vars"] if "families" in entry)
ALL = list(read_stages(ROOT).values())
#: Sections that say where a stage works and where its run is recorded: a stage that declared them would run again.
SETTINGS_WITHOUT_EFFECT = {"execution", "tracking"}


def code_deps(stage: Stage) -> set[str]:
    return {dep for dep in stage.deps if dep.startswith(("src/", "stages/"))}


def script_of(stage: Stage) -> Path:
    return ROOT / stage.cmd.split()[1]


@functools.cache
def module_file(module: str) -> Path | None:
    path = SOURCE.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@functools.cache
def imports_of(file: Path, *, at_once: bool = False) -> frozenset[str]:
    """Modules that a file imports, but not only for type checkers; `at_once` leaves out those inside functions."""

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            return
        if at_once and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
        for child in ast.iter_child_nodes(node):
            visit(child)

    found: set[str] = set()
    visit(ast.parse(file.read_text()))
    return frozenset(found)


@functools.cache
def files_of(modules: frozenset[str]) -> frozenset[Path]:
    """The files of this project that are executed when modules are imported."""
    parents = {module.rsplit(".", depth)[0] for module in modules for depth in range(module.count(".") + 1)}
    own = {module for module in parents if module.split(".")[0] == "yardbird"}
    return frozenset(file for module in own if (file := module_file(module)))


def reached(files: set[Path], *, at_once: bool = False) -> set[Path]:
    """Files, and the files of this project that they import, directly or not."""
    seen, waiting = set(files), list(files)
    while waiting:
        new = files_of(imports_of(waiting.pop(), at_once=at_once)) - seen
        seen |= new
        waiting += new
    return seen


@functools.cache
def code_of(stage: Stage) -> set[str]:
    """Every file of this project that a stage can import, relative to the repository.

    Left out: empty `__init__` files, and that of the library, which imports its public names on first use.
    """
    loaded_by_name = FAMILIES if stage.name == "publish" else [stage.key] if stage.key else []
    families = files_of(frozenset(f"yardbird.models.{name}" for name in loaded_by_name if name in FAMILIES))
    seen = reached({script_of(stage)} | families)
    names = {file.relative_to(ROOT).as_posix() for file in seen if file.read_text().strip()}
    return names - {"src/yardbird/__init__.py"}


def covers(dep: str, file: str) -> bool:
    return file == dep or file.startswith(dep.rstrip("/") + "/")


def sections_read(stage: Stage) -> set[str]:
    """The sections that the code of a stage passes to `read_section`, with the name of the family filled in.

    A family reads its own section when it is created; a stage that loads a trained family does not.
    """
    creates = ".create(" in script_of(stage).read_text()
    files = [ROOT / file for file in code_of(stage) if creates or "/models/" not in file]
    sections = {re.sub(r"\{.*?\}", stage.key or "", section) for file in files for section in sections_named(file)}
    return sections - SETTINGS_WITHOUT_EFFECT


@functools.cache
def sections_named(file: Path) -> frozenset[str]:
    """The sections that a file reads, as they stand in it: `{family.name}.model`."""
    sections = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("read_section"):
            argument = node.args[0]
            if isinstance(argument, ast.Constant):
                sections.add(str(argument.value))
            elif isinstance(argument, ast.JoinedStr):
                sections.add(ast.unparse(argument)[2:-1])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("read_seed"):
            sections.add("seed")
    return frozenset(sections)


@pytest.mark.parametrize("stage", ALL, ids=lambda stage: stage.name)
def test_a_stage_depends_on_every_file_it_imports_and_on_no_other(stage: Stage) -> None:
    """Without a file in `deps`, a cached stage is stale; with a superfluous one, DVC trains again needlessly."""
    code = code_of(stage)
    missing = sorted(file for file in code if not any(covers(dep, file) for dep in code_deps(stage)))
    unused = sorted(dep for dep in code_deps(stage) if not any(covers(dep, file) for file in code))
    assert (missing, unused) == ([], [])


@pytest.mark.parametrize("stage", ALL, ids=lambda stage: stage.name)
def test_a_stage_declares_the_params_it_reads_and_no_other(stage: Stage) -> None:
    read = sections_read(stage)
    undeclared = {section for section in read if not any(covers_key(param, section) for param in stage.params)}
    unread = {param for param in stage.params if not any(covers_key(param, section) for section in read)}
    assert (undeclared, unread) == (set(), set())


def covers_key(param: str, section: str) -> bool:
    return section == param or section.startswith(param + ".")


#: Modules that render or plot.
DRAWING = (
    "generation", "pictures", "report", "audio/synth", "audio/soundfont", "audio/comping", "tracking/solo_pages",
    "tracking/sample_pages",
)  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_drawing_does_not_retrain(family: str) -> None:
    """Regression: training rendered and plotted samples, so a changed pixel of a piano roll retrained three models."""
    deps = next(stage for stage in ALL if stage.name == f"train@{family}").deps
    files = {file.relative_to(SOURCE / "yardbird").as_posix() for file in (SOURCE / "yardbird").rglob("*.py")}
    trained_by = {file for file in files if any(covers(dep, f"src/yardbird/{file}") for dep in deps)}
    assert "training/fit.py" in trained_by
    assert all(any(file.startswith(part) for file in files) for part in DRAWING)
    assert [file for file in trained_by if file.startswith(DRAWING)] == []


@pytest.mark.parametrize("script", sorted((ROOT / "stages").glob("*.py")), ids=lambda path: path.stem)
def test_a_stage_script_is_thin_and_shadows_no_standard_module(script: Path) -> None:
    lines = [line for line in script.read_text().splitlines() if line.strip()]
    assert len(lines) <= 64, "a stage reads its params, calls the library and writes its outs"
    assert script.stem not in sys.stdlib_module_names


def test_every_stage_script_is_a_stage() -> None:
    assert {script_of(stage) for stage in ALL} == set((ROOT / "stages").glob("*.py"))


def test_every_stage_has_an_output_that_is_not_in_git() -> None:
    """Regression: the only output of publish was in Git, so in a fresh clone it did not run and registered no model.

    A frozen stage does not run in a fresh clone on purpose.
    """
    for name, entry in PIPELINE["stages"].items():
        if entry.get("frozen"):
            continue
        body = entry.get("do", entry)
        outputs = [out for kind in ("outs", "metrics", "plots") for out in body.get(kind, [])]
        assert any(isinstance(out, str) for out in outputs), f"{name}: all outputs are cache: false"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_learns_from_the_codec_that_its_stage_depends_on(family: str) -> None:
    assert load_family(family).codec_name == FAMILIES[family]["codec"]


def test_importing_the_library_is_cheap() -> None:
    """The imports of torch, MLflow and Great Expectations take seconds, so only commands that need them import them."""
    heavy = "{'torch', 'mlflow', 'great_expectations', 'lightning'}"
    code = f"import sys, yardbird, yardbird.cli; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_stages_that_need_no_torch_do_not_import_it() -> None:
    """The encode stage imports MidiTok too, whose datasets need torch."""
    code = """if True:
        import runpy, sys
        for stage in ("augment", "compose", "encode", "ingest", "judge", "split", "validate"):
            runpy.run_path(f"stages/{stage}.py")
        from yardbird.codecs.events import EventCodec
        from yardbird.codecs.vocabulary import EncodeConfig
        from yardbird.config import read_section
        EventCodec.create(read_section("encode.events", EncodeConfig), []).tokenizer
        print(*({"torch", "scipy.stats", "sklearn", "matplotlib"} & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


#: Libraries whose import takes a good part of a second, or seconds.
SLOW_TO_IMPORT = {
    "alembic", "dvc", "fastapi", "great_expectations", "huggingface_hub", "lightning", "matplotlib", "miditok",
    "mlflow", "music21", "numba", "pandas", "peft", "plotly", "scipy", "sklearn", "sqlalchemy", "tensorboard", "torch",
    "torchaudio", "transformers",
}  # fmt: skip
#: Those that a stage imports before it reads its parameters. It imports others in the functions that use them.
IMPORTED_FIRST = {
    "baseline": {"torch"}, "codec": {"torch"}, "compare": {"pandas"}, "encode_audio": {"torch"},
    "evaluate": {"torch"}, "evaluate_audio": {"torch"}, "explore": {"torch"}, "generate": {"torch"},
    "render": {"torch"}, "report": {"matplotlib", "music21", "pandas", "plotly"}, "sing": {"torch"},
    "train": {"torch"}, "validate": {"pandas"},
}  # fmt: skip


def imported_first(files: set[Path]) -> set[str]:
    """The slow libraries that are imported with files of this project, outside functions."""
    modules = {module for file in reached(files, at_once=True) for module in imports_of(file, at_once=True)}
    return {module.partition(".")[0] for module in modules} & SLOW_TO_IMPORT


@pytest.mark.parametrize("script", sorted((ROOT / "stages").glob("*.py")), ids=lambda path: path.stem)
def test_a_stage_imports_no_slow_library_before_it_reads_its_parameters_unless_listed(script: Path) -> None:
    """Errors in parameters, and the first work, come within two seconds; Lightning and MLflow alone take longer."""
    assert imported_first({script}) == IMPORTED_FIRST.get(script.stem, set())


@pytest.mark.parametrize("stage", sorted(set(IMPORTED_FIRST) - {"codec"}))  # that of an hour is frozen
def test_a_stage_collects_no_garbage_while_it_imports_slow_libraries(stage: str) -> None:
    """A collection visits all objects that an import created: a seventh of the time of importing torch."""
    opening, _, rest = (ROOT / f"stages/{stage}.py").read_text().partition("gc.disable()")
    assert "yardbird" not in opening
    assert "@exit_on_error" in rest  # it enables the collection


def test_the_command_line_imports_no_slow_library_before_it_reads_its_arguments() -> None:
    commands = set((SOURCE / "yardbird/cli").glob("*.py"))
    assert imported_first(commands) == set()


def test_checking_the_parameters_imports_no_slow_library_but_torch() -> None:
    """The settings of models are next to their code, which requires torch."""
    command = SOURCE / "yardbird/cli/check_command.py"
    assert imported_first(files_of(imports_of(command))) == {"torch"}


def test_no_module_is_long() -> None:
    long = [path for path in SOURCE.rglob("*.py") if len(path.read_text().splitlines()) > 350]
    assert long == []
