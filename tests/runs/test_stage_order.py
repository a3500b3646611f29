"""The order in which stages start, on the pipeline of this repository, and how long a run takes."""

from pathlib import Path

import numpy as np
import pytest

from yardbird.runs.dvc_stage import open_repo
from yardbird.runs.stage_order import Needs, order_stages, total_seconds

ROOT = Path(__file__).resolve().parents[2]
SECONDS = {"train@music_transformer": 120.0, "generate@music_transformer": 40.0, "encode_audio": 30.0}
LONGEST = {"train@musicgen": 160.0, "evaluate_audio": 60.0, "train@music_vae": 80.0, "explore": 50.0}


@pytest.fixture(scope="module")
def needs() -> Needs:
    with open_repo(ROOT) as repo:
        return order_stages(repo, SECONDS | LONGEST)


def test_stages_follow_those_that_they_need(needs: Needs) -> None:
    before: set[str] = set()
    for name, own in needs.items():
        assert own <= before
        before.add(name)


def test_the_first_solos_come_first_and_then_the_longest_chain_of_stages(needs: Needs) -> None:
    order = list(needs)
    solos = order.index("generate@music_transformer")
    assert {"train@music_transformer", "judge", "encode@events", "split"} < set(order[:solos])
    assert not {"render", "encode_audio", "encode@melody"} & set(order[:solos])
    rest = [name for name in order[solos:] if name in LONGEST]
    assert rest == ["train@musicgen", "train@music_vae", "evaluate_audio", "explore"]


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_the_total_is_that_of_a_clock_that_starts_stages_as_soon_as_it_can(jobs: int) -> None:
    rng = np.random.default_rng(jobs)
    for _ in range(20):
        names = [f"stage {number}" for number in range(9)]
        needs = {
            name: frozenset(each for each in names[:place] if rng.random() < 0.3) for place, name in enumerate(names)
        }
        seconds = {name: rng.random() for name in names}
        assert total_seconds(needs, seconds, jobs) == by_the_clock(needs, seconds, jobs)


def by_the_clock(needs: Needs, seconds: dict[str, float], jobs: int) -> float:
    """The reference: whenever a stage ends, look through all stages for what can start."""
    ends: dict[str, float] = {}
    now = 0.0
    while len(ends) < len(needs):
        for name in needs:
            ended = {other for other, end in ends.items() if end <= now}
            if name not in ends and needs[name] <= ended and len(ends) - len(ended) < jobs:
                ends[name] = now + seconds[name]
        now = min((end for end in ends.values() if end > now), default=now)
    return max(ends.values())
