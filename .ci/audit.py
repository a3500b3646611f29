"""Lists the installed packages with their licences, and asks for their known vulnerabilities.

Writes out/audit/bom.cdx.json, a CycloneDX bill of materials of the environment, and out/audit/vulnerabilities.json. The
bill and the comparison with requirements.lock require no network if uv has the tools in its cache. pip-audit asks the
Python Package Index for vulnerabilities, with one request for each package.

Exit status: 0 if all is well, 1 if a package is vulnerable, differs from the lock or is not in the bill of materials,
2 if something could not be asked.
"""

import argparse
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "out/audit"
BILL = ("cyclonedx-bom==7.5.0", "cyclonedx-py")
VULNERABILITIES = ("pip-audit==2.10.1", "pip-audit")


def tool(package: str, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool in an environment separate from the one that is audited."""
    whole = ["uv", "tool", "run", "--quiet", "--from", package, command, *arguments]
    return subprocess.run(whole, cwd=ROOT, capture_output=True, text=True, check=False)


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no output"])[-1]


def bill() -> tuple[int, str]:
    """Write the bill of materials. Returns an exit status and what to print."""
    path = OUT / "bom.cdx.json"
    options = ("--pyproject", "pyproject.toml", "--output-reproducible", "--output-file", str(path))
    done = tool(*BILL, "environment", sys.executable, *options)
    if done.returncode:
        return 2, f"bill of materials: not written, {BILL[0]} did not run: {last_line(done.stderr)}"
    content = json.loads(path.read_text(encoding="utf-8"))  # the tool has compared it with the schema of CycloneDX
    if absent := unlisted(content, installed()):
        return 1, f"bill of materials: {path.relative_to(ROOT)} lacks {', '.join(absent)}"
    parts = content["components"]
    silent = [part["name"] for part in parts if not part.get("licenses")]
    without = f"; {len(silent)} without a licence that the tool recognises: {', '.join(silent)}" if silent else ""
    return 0, f"bill of materials: {len(parts)} packages in {path.relative_to(ROOT)}{without}"


def installed() -> dict[str, str]:
    """Name → version of the packages of this environment."""
    return {canonicalize_name(part.name): part.version for part in importlib.metadata.distributions()}


def unlisted(bill_of_materials: Mapping[str, Any], packages: Mapping[str, str]) -> list[str]:
    """The packages, with versions, that a bill of materials lacks; the audited project is its subject."""
    parts = [*bill_of_materials["components"], bill_of_materials["metadata"]["component"]]
    listed = {(canonicalize_name(part["name"]), part["version"]) for part in parts}
    return [f"{name} {version}" for name, version in sorted(packages.items()) if (name, version) not in listed]


def pinned(lock: Path) -> dict[str, str]:
    """Name → version of what a lock requires on this machine."""
    wanted = [Requirement(line) for line in lock.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for pin in wanted
        if pin.marker is None or pin.marker.evaluate()
    }


def differences(pins: Mapping[str, str], packages: Mapping[str, str]) -> Iterator[str]:
    for name, wanted in pins.items():
        if packages.get(name) != wanted:
            yield f"{name} {packages[name]} instead of {wanted}" if name in packages else f"{name} {wanted} is missing"


def lock_check(pins: Mapping[str, str]) -> tuple[int, str]:
    found = list(differences(pins, installed()))
    return bool(found), f"lock: {'; '.join(found) or f'all {len(pins)} packages have the locked version'}"


def asked(answer: str, problem: str, pins: Mapping[str, str]) -> tuple[int, str]:
    """What pip-audit found, from what it wrote to stdout and stderr.

    pip-audit ends successfully even if the index knows none of the packages, so packages without an answer are counted.
    """
    try:
        packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except json.JSONDecodeError:
        return 2, f"vulnerabilities: NOT CHECKED, the index does not answer: {last_line(problem)}"
    silent = [package["name"] for package in packages if "skip_reason" in package]
    silent += sorted(set(pins) - {canonicalize_name(package["name"]) for package in packages})
    if len(silent) >= len(pins):
        reason = next((package["skip_reason"] for package in packages if "skip_reason" in package), "an empty answer")
        return 2, f"vulnerabilities: NOT CHECKED, the index answered for none of {len(pins)} packages: {reason}"
    lines = [f"vulnerabilities: the index answered for {len(packages) - len(silent)} of {len(pins)} packages"]
    if silent:
        lines.append(f"  not asked or unknown to the index: {', '.join(silent)}")
    bad = 0
    for package in packages:
        for one in package.get("vulns", []):
            bad += 1
            fixed = ", ".join(one["fix_versions"]) or "no version"
            lines.append(f"  {package['name']} {package['version']}: {one['id']}, fixed in {fixed}")
    return 1 if bad else 2 if silent else 0, "\n".join(lines)


def vulnerabilities(lock: Path, pins: Mapping[str, str]) -> tuple[int, str]:
    options = ("--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off")
    done = tool(*VULNERABILITIES, "--requirement", str(lock), *options)
    (OUT / "vulnerabilities.json").write_text(done.stdout, encoding="utf-8")
    return asked(done.stdout, done.stderr, pins)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lock", type=Path, default=ROOT / "requirements.lock", help="the versions to ask about")
    lock = parser.parse_args().lock.resolve()
    OUT.mkdir(parents=True, exist_ok=True)
    pins = pinned(lock)
    results = [bill(), lock_check(pins), vulnerabilities(lock, pins)]
    print("\n".join(line for _, line in results))
    states = {state for state, _ in results}
    return 1 if 1 in states else max(states)


if __name__ == "__main__":
    sys.exit(main())
