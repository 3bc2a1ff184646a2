"""Parts made side by side are the same however many processes make them, and what was finished is not made again."""

import joblib
import numpy as np
import pytest

from headstart.recipes.side_by_side import side_by_side
from headstart.recipes.training_trajectories import Plan, network
from headstart.recipes.work import Work


def test_two_processes_make_the_same_networks_as_one(digits, tmp_path):
    images = {"x": digits.x.numpy(), "y": digits.y, "test_x": digits.test_x.numpy(), "test_y": digits.test_y}
    plan = Plan(2, 600, 1, 2, told=100, width=12)
    tasks = {f"{seed}": {**images, "plan": plan, "seed": seed, "pretrained": seed == 1} for seed in (0, 1)}
    one, two = (side_by_side(Work(tmp_path / str(n), True, 0), network, tasks, now="", processes=n) for n in (1, 2))
    for name, part in one.items():
        assert part.keys() == two[name].keys()
        assert all((part[key] == two[name][key]).all() for key in part)


def part(at: int, broken: bool = False) -> dict[str, int]:
    if broken:
        raise RuntimeError("killed")
    return {"at": at}


def test_what_was_finished_before_a_kill_is_not_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 1)
    said = []
    work = Work(tmp_path, True, 0, progress=lambda done, now: said.append((round(done, 2), now)))
    with pytest.raises(RuntimeError, match="killed"):
        side_by_side(work, part, {"a": {"at": 1}, "b": {"at": 2, "broken": True}}, now="parts")
    found = side_by_side(work, part, {"a": {"at": 1, "broken": True}, "b": {"at": 2}}, now="parts", share=(0.5, 1))
    assert {name: int(np.asarray(made["at"])) for name, made in found.items()} == {"a": 1, "b": 2}
    assert said == [(0.45, "parts, 1 of 2"), (1.0, "parts, 2 of 2")]


def test_large_arrays_reach_the_processes_writable(tmp_path):
    big = np.zeros((2000, 100))
    assert side_by_side(Work(tmp_path, True, 0), first_written, {"a": {"x": big}, "b": {"x": big}}, now="", processes=2)
    assert big[0, 0] == 0, "what a process writes stays its own"


def first_written(x: np.ndarray) -> dict[str, float]:
    x[0, 0] += 1
    return {"value": float(x[0, 0])}
