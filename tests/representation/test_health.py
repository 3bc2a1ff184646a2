"""What the measures of health say of representations that are known by construction."""

import pytest
import torch

from headstart.objectives.simclr import SimCLR
from headstart.representation.health import (
    Best,
    Monitor,
    alignment,
    dead_units,
    effective_rank,
    flatness,
    neighbours_right,
    spread,
    top1,
    uniformity,
)
from headstart.training.checkpoint import read_facts, read_tensors
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.log import read_log
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS

X = torch.rand(40, 1, 16, 16, generator=torch.Generator().manual_seed(0))
Y = torch.arange(40) % 3
RECIPE = Recipe(epochs=4, batch_size=20, seed=4)


def normal(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_spread_is_1_all_around_the_sphere_and_0_at_a_point():
    assert spread(normal(5000, 32)) == pytest.approx(1, abs=0.02)
    assert spread(torch.ones(10, 4)) == pytest.approx(0, abs=1e-6)
    assert spread(normal(100, 8)) == pytest.approx(spread(7 * normal(100, 8)), rel=1e-5)


def test_effective_rank_counts_equal_directions_and_forgets_the_mean():
    axes = torch.cat([torch.eye(6), -torch.eye(6)])
    assert effective_rank(axes) == pytest.approx(6)
    assert effective_rank(axes + 100) == pytest.approx(6, rel=1e-3)
    assert effective_rank(normal(50, 1) @ normal(1, 20)) == pytest.approx(1, rel=1e-3)
    assert effective_rank(torch.ones(5, 3)) == 1


def test_alignment_is_0_for_equal_views_and_4_for_opposite_ones():
    z = normal(20, 5)
    assert alignment(z, 3 * z) == pytest.approx(0, abs=1e-9)
    assert alignment(z, -z) == pytest.approx(4, rel=1e-5)


def test_uniformity_is_0_at_a_point_and_minus_4_for_orthogonal_images():
    assert uniformity(torch.ones(9, 3)) == pytest.approx(0, abs=1e-5)
    assert uniformity(torch.eye(7)) == pytest.approx(-4, rel=1e-6)


def test_the_other_view_is_found_where_views_agree_and_never_among_equals():
    z = normal(30, 8)
    assert top1(z, z) == 1
    assert top1(z, z.roll(1, 0)) == 0
    assert top1(torch.ones(30, 8), torch.ones(30, 8)) == 0


def test_neighbours_are_right_in_clusters_and_wrong_where_labels_mean_nothing():
    y = torch.arange(60) % 2
    clusters = normal(60, 4) + 20 * torch.nn.functional.one_hot(y, 4)
    assert neighbours_right(clusters, y) == 1
    assert neighbours_right(normal(2000, 4), torch.arange(2000) % 2) == pytest.approx(0.5, abs=0.06)


def test_dead_units_are_those_that_never_change():
    h = normal(50, 4)
    h[:, 1] = 3.0
    assert dead_units(h) == 0.25


def test_flatness_is_1_where_all_are_alike_or_the_temperature_is_high_and_0_where_one_stands_out():
    z = normal(30, 8)
    assert flatness(torch.ones(9, 3), torch.ones(9, 3), temperature=0.1) == pytest.approx(1)
    assert flatness(z, z, temperature=100) == pytest.approx(1, abs=1e-3)
    assert flatness(z, z, temperature=1e-3) == pytest.approx(0, abs=1e-3)


def simclr():
    torch.manual_seed(1)
    return SimCLR(untrained_encoder(encoder_spec("small", TrainingSet.of(X)), seed=1))


def test_watching_does_not_change_what_is_learned(tmp_path):
    watched, alone = simclr(), simclr()
    monitor = Monitor(TrainingSet.of(X, Y), views=PRESETS["microscopy"], epochs=4, folder=tmp_path)
    train(watched, TrainingSet.of(X, views=PRESETS["microscopy"]), recipe=RECIPE, run=Run(watch=monitor))
    train(alone, TrainingSet.of(X, views=PRESETS["microscopy"]), recipe=RECIPE)
    assert all(torch.equal(a, b) for a, b in zip(watched.parameters(), alone.parameters(), strict=True))
    rows = read_log(tmp_path / "health.csv")
    assert [row["done"] for row in rows] == [0, 0.25, 0.5, 0.75, 1]
    assert {"top1", "spread", "rank", "alignment", "uniformity", "dead", "flatness", "knn", "knn_pixels"} <= set(
        rows[0]
    )
    assert rows == monitor.rows


def test_pixels_find_each_other_in_views_that_change_nothing_and_copies_are_counted():
    doubled = torch.cat([X, X[:10]])
    found = Monitor(TrainingSet.of(doubled), views=PRESETS["identity"], epochs=1)
    assert found.same_always["copies"] == pytest.approx(0.2)
    assert Monitor(TrainingSet.of(X), views=PRESETS["identity"], epochs=1).views_alone["pixels"] == 1
    assert Monitor(TrainingSet.of(X), views=PRESETS["microscopy"], epochs=1).views_alone["pixels"] < 0.5
    assert found.views_alone["pixels"] == pytest.approx(30 / 50)  # a copy is as near as the image itself


def test_the_encoder_kept_is_the_one_that_found_most_other_views(tmp_path):
    """Trained well, then ruined by a rate that is far too high: what is kept is from before."""
    made, best = simclr(), tmp_path / "best.safetensors"
    monitor = Monitor(TrainingSet.of(X), views=PRESETS["microscopy"], epochs=8, best=best)
    seen = {}

    def watch(objective, rows):
        if len(rows) >= 8:
            torch.nn.init.zeros_(next(p for p in objective.encoder.parameters() if p.ndim > 1))
        monitor(objective, rows)
        seen[monitor.rows[-1]["step"]] = {k: v.clone() for k, v in objective.encoder.state_dict().items()}

    train(made, TrainingSet.of(X, views=PRESETS["microscopy"]), recipe=RECIPE.replace(epochs=8), run=Run(watch=watch))
    tensors, step = read_tensors(best), read_facts(best, Best).step
    found = {row["step"]: row["top1"] for row in monitor.rows}
    assert step == max(found, key=lambda one: (found[one], one)) < 8
    assert all(torch.equal(tensors[k], v) for k, v in seen[step].items())


def test_a_run_that_was_cut_short_is_looked_at_once_more_and_at_most_25_times_a_run():
    monitor, made = Monitor(TrainingSet.of(X), views=PRESETS["microscopy"], epochs=49), simclr()
    assert monitor.every == 2
    monitor(made, [])
    monitor.finish(made.encoder, 7, made)
    assert [(row["step"], row["done"]) for row in monitor.rows] == [(0, 0), (7, 1)]
    assert "pixels" in monitor.rows[-1]


def test_the_panel_shows_every_measure_and_what_the_doctor_says():
    monitor = Monitor(TrainingSet.of(X, Y), views=PRESETS["microscopy"], epochs=1)
    assert monitor.now == ""
    monitor.log.add([{**dict.fromkeys(("top1", "rank", "rank_z", "alignment", "knn", "dead", "copies"), 0.25),
                      "spread": 0.01, "step": 9, "done": 0.5, "uniformity": -1.0, "knn_pixels": 0.5}])  # fmt: skip
    for shown in (
        "other view found 0.25",
        "k-NN 0.25 (pixels 0.50)",
        "uniformity -1.00",
        "copies 25%",
        "Collapse",
    ):
        assert shown in monitor.now
    assert "not finished" not in monitor.now  # as the bar above says how far it is


def test_averaged_weights_are_looked_at_in_place_of_the_last_ones(tmp_path):
    monitor, made = Monitor(TrainingSet.of(X), views=PRESETS["microscopy"], epochs=1, folder=tmp_path), simclr()
    train(
        made,
        TrainingSet.of(X, views=PRESETS["microscopy"]),
        recipe=Recipe(epochs=1, batch_size=16),
        run=Run(watch=monitor),
    )
    step, found = monitor.rows[-1]["step"], monitor.rows[-1]["rank"]
    with torch.no_grad():
        for p in made.encoder.parameters():
            p.mul_(torch.rand_like(p))
    monitor.finish(made.encoder, step, made)
    assert monitor.rows[-1]["rank"] == found
    monitor.finish(made.encoder, step, made, again=True)
    assert [row["step"] for row in read_log(tmp_path / "health.csv")] == [0, step]
    assert monitor.rows[-1]["rank"] != found
