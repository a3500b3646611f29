"""A release: one version and date wherever they are written, and a lock that fits pyproject.toml."""

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

import yardbird


@pytest.fixture
def project(root: Path) -> dict[str, Any]:
    return dict(tomllib.loads((root / "pyproject.toml").read_text())["project"])


@pytest.fixture
def version(project: dict[str, Any]) -> str:
    return str(project["version"])


def test_the_installed_version_is_that_of_pyproject(version: str) -> None:
    assert yardbird.__version__ == version, "run `make test`, which installs the new version"


def test_citation_and_changelog_name_the_version_and_its_date(root: Path, version: str) -> None:
    citation = YAML(typ="safe").load(root / "CITATION.cff")
    released = re.findall(r"^## (\d+\.\d+\.\d+) \((.*)\)$", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert citation["version"] == version
    assert released[0] == (version, str(citation["date-released"]))
    dates = [date.fromisoformat(day) for _, day in released]
    assert dates == sorted(dates, reverse=True)


def test_the_citation_has_what_a_reference_needs(root: Path) -> None:
    citation = YAML(typ="safe").load(root / "CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert all(citation[key] for key in ("message", "title", "authors", "license", "abstract"))


def test_the_lock_has_one_version_of_each_package_for_every_python_and_no_address(
    root: Path, project: dict[str, Any]
) -> None:
    lines = (root / "requirements.lock").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9.-]+==[\w.]+( ; .+)?", line)] == []
    locked = [Requirement(line) for line in lines]
    unlocked = ("m4a", "separation")  # `make` does not install them
    extras = [
        part for name, extra in project["optional-dependencies"].items() if name not in unlocked for part in extra
    ]
    for wanted in map(Requirement, project["dependencies"] + extras):
        for python in ("3.11", "3.11.7", "3.12", "3.13"):
            environment = {"python_version": python[:4], "python_full_version": python, "sys_platform": "linux"}
            pins = [
                next(iter(pin.specifier)).version
                for pin in locked
                if pin.name == canonicalize_name(wanted.name)
                and (pin.marker is None or pin.marker.evaluate(environment))
            ]
            assert len(pins) == 1, f"{wanted.name}: run `make lock`"
            assert wanted.specifier.contains(pins[0]), f"{wanted}, but {pins[0]} is locked: run `make lock`"
