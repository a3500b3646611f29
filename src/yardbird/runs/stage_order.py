"""The order in which stages start, and how long a run takes."""

import heapq
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dvc.repo import Repo

GENERATED = Path("data/generated")
#: Stage → the stages that it depends on. Stages start in the order of the keys, each as soon as its dependencies ended.
Needs = Mapping[str, frozenset[str]]


def order_stages(repo: "Repo", expected: Mapping[str, float]) -> Needs:
    """The stages of a repository in the order in which they start.

    The stages that lead to the first generated solos come first. Then come those with the longest chain of dependents:
    the chain decides how long the run takes.

    Args:
        expected: seconds by stage.
    """
    from dvc.repo.reproduce import get_active_graph, plan_repro

    graph = get_active_graph(repo.index.graph)  # an edge leads from a stage to one that it depends on
    stages = plan_repro(graph, repo.stage.collect(None))  # each stage after those that it depends on
    first = next((stage for stage in stages if generates(stage)), None)
    early = set(plan_repro(graph, [first]) if first else [])
    chain: dict[Any, float] = {}  # stage → seconds of the longest chain that starts with it
    for stage in reversed(stages):
        after = max((chain[dependent] for dependent in graph.predecessors(stage)), default=0.0)
        chain[stage] = expected.get(stage.addressing, 1.0) + after
    stages.sort(key=lambda stage: (stage not in early, -chain[stage]))  # equal stages keep their order
    return {stage.addressing: frozenset(each.addressing for each in graph.successors(stage)) for stage in stages}


def generates(stage: Any) -> bool:
    """Whether a stage of DVC writes generated solos."""
    folder = Path(stage.repo.root_dir) / GENERATED
    return any(Path(out.fs_path).is_relative_to(folder) for out in stage.outs)


def total_seconds(needs: Needs, expected: Mapping[str, float], jobs: int) -> float:
    """How long the stages take, `jobs` at a time; a stage without an expected duration takes no time.

    >>> needs = {"a": frozenset(), "b": frozenset(), "c": frozenset({"a"})}
    >>> total_seconds(needs, {"a": 2, "b": 3, "c": 4}, jobs=1)
    9.0
    >>> total_seconds(needs, {"a": 2, "b": 3, "c": 4}, jobs=2)
    6.0
    """
    waiting, running, ended, now = list(needs), list[tuple[float, str]](), set[str](), 0.0
    while waiting or running:
        ready = [name for name in waiting if needs[name] <= ended]
        for name in ready[: jobs - len(running)]:
            waiting.remove(name)
            heapq.heappush(running, (now + expected.get(name, 0.0), name))
        now, name = heapq.heappop(running)
        ended.add(name)
    return now
