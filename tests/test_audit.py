"""`make audit`: what it could not ask is never reported as safe."""

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

PINS = {"mido": "1.3.3", "numpy": "2.4.6"}


@pytest.fixture(scope="module")
def audit(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", root / ".ci/audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer(*packages: Mapping[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


SAFE = {"name": "mido", "version": "1.3.3", "vulns": []}
HOLE = {"id": "PYSEC-2099-1", "fix_versions": ["2.4.7"], "aliases": [], "description": ""}


def test_an_audit_succeeds_only_if_every_package_was_answered_for(audit: ModuleType) -> None:
    numpy = {"name": "numpy", "version": "2.4.6", "vulns": []}
    assert audit.asked(answer(SAFE, numpy), "", PINS) == (
        0,
        "vulnerabilities: the index answered for 2 of 2 packages",
    )
    state, text = audit.asked(answer(SAFE, {"name": "numpy", "skip_reason": "not found"}), "", PINS)
    assert state == 2
    assert "answered for 1 of 2" in text
    assert text.endswith("unknown to the index: numpy")
    assert audit.asked(answer(SAFE), "", PINS)[0] == 2, "a package that the answer leaves out"


def test_a_vulnerability_is_named_with_the_version_that_fixes_it(audit: ModuleType) -> None:
    state, text = audit.asked(answer(SAFE, {"name": "numpy", "version": "2.4.6", "vulns": [HOLE]}), "", PINS)
    assert state == 1
    assert text.endswith("numpy 2.4.6: PYSEC-2099-1, fixed in 2.4.7")


def test_an_index_that_knows_none_of_the_packages_is_no_check(audit: ModuleType) -> None:
    """Regression: behind a mirror, pip-audit ends successfully and the text began with a number of answers."""
    unknown = [{"name": name, "skip_reason": f"not found: {name}"} for name in PINS]
    expected = "vulnerabilities: NOT CHECKED, the index answered for none of 2 packages: not found: mido"
    assert audit.asked(answer(*unknown), "", PINS) == (2, expected)


def test_a_bill_of_materials_has_every_installed_package(audit: ModuleType) -> None:
    parts = [{"name": "Mido", "version": "1.3.3"}, {"name": "numpy", "version": "2.4.5"}]
    bill = {"components": parts, "metadata": {"component": {"name": "yardbird", "version": "0.2.0"}}}
    assert audit.unlisted(bill, PINS | {"yardbird": "0.2.0"}) == ["numpy 2.4.6"]


def test_without_a_network_the_audit_says_that_nothing_was_checked(audit: ModuleType) -> None:
    state, text = audit.asked("", "Traceback …\nConnectionError: no route to host\n", PINS)
    assert state == 2
    assert text == "vulnerabilities: NOT CHECKED, the index does not answer: ConnectionError: no route to host"


def test_the_lock_of_this_machine_leaves_out_what_its_markers_exclude(audit: ModuleType, tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("Mido==1.3.3\npywin32==311 ; sys_platform == 'win32'\n")
    assert audit.pinned(lock) == {"mido": "1.3.3"}
    assert list(audit.differences(PINS, {"mido": "1.3.2"})) == [
        "mido 1.3.2 instead of 1.3.3",
        "numpy 2.4.6 is missing",
    ]
