"""The doctor's verdicts: of rows that are known, of broken and healthy runs, and on the command line."""

import json
import shutil

import pytest
import torch

from headstart.cli import main
from headstart.codec import to_json
from headstart.data.drawn_shapes import make_shapes
from headstart.data.load import load
from headstart.data.pixels import Pixels
from headstart.errors import UserError
from headstart.evaluation.statistics import Comparison
from headstart.objectives.simclr import SimCLR
from headstart.objectives.simsiam import SimSiam, negative_cosine
from headstart.representation.doctor import diagnose, doctor
from headstart.representation.health import Monitor
from headstart.representation.pretrain import pretrain
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.log import Log
from headstart.training.loop import train
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS
from headstart.views.views import Views

GOOD = {
    "step": 9, "done": 1.0, "top1": 0.8, "spread": 0.9, "rank": 50.0, "rank_z": 40.0,
    "alignment": 0.2, "uniformity": -3.0, "dead": 0.0,
    "flatness": 0.8, "temperature": 0.2, "pixels": 0.1, "light": 0.05, "copies": 0.0,
}  # fmt: skip
START = {**GOOD, "step": 0, "done": 0.0, "top1": 0.1, "rank_z": 50.0, "spread": 0.015}
HALF = {**GOOD, "step": 4, "done": 0.5, "top1": 0.6}
STORED = load("digits").images[:1200]
DIGITS = torch.from_numpy(Pixels.fit(STORED)(STORED))
SHAPES = torch.from_numpy(make_shapes(400, seed=3).images).permute(0, 3, 1, 2).float() / 255


def codes(**changes):
    return [verdict.code for verdict in diagnose([START, HALF, GOOD | changes])]


def test_a_healthy_look_has_no_verdict_and_each_ill_one_its_own():
    assert codes() == []
    assert codes(spread=0.05) == codes(rank_z=5.0) == ["D001"]
    assert codes(light=0.5) == ["D002"]
    assert codes(top1=1.3) == ["D003"]
    assert codes(pixels=0.95) == codes(pixels=1.0, light=1.0) == ["D004"]
    assert codes(flatness=0.995, temperature=10.0) == ["D005"]
    assert codes(flatness=0.995, spread=0.01) == ["D001"]
    assert codes(dead=0.6) == ["D006"]
    assert codes(copies=0.1) == ["D007"]
    assert codes(top1=0.11) == ["D008"]


@pytest.mark.parametrize(
    ("pixels", "untrained", "learned", "helps"),
    [(0.7, 0.6, 0.72, True), (0.7, 0.6, 0.7, False), (0.6, 0.7, 0.65, False)],
)
def test_neighbours_no_better_than_those_by_pixels_or_before_training_are_said(pixels, untrained, learned, helps):
    first, last = ({**row, "knn_pixels": pixels, "knn": knn} for row, knn in ((START, untrained), (GOOD, learned)))
    found = diagnose([first, {**HALF, "knn": 0.5, "knn_pixels": pixels}, last])
    assert [(v.code, v.against) for v in found] == ([] if helps else [("D009", False)])


def test_copies_and_an_unfinished_run_are_said_and_not_held_against_it():
    assert [v.against for v in diagnose([START, HALF, GOOD | {"copies": 0.1}])] == [False]
    (verdict,) = diagnose([START, {**HALF, "done": 0.25}, HALF], finished=False)
    assert (verdict.code, verdict.against) == ("D003", False)
    assert "50%" in verdict.sentence


def test_a_run_that_is_not_finished_is_not_blamed_for_it():
    for rows in ([START], [START, {**HALF, "done": 0.1, "top1": 0.9}], [{**START, "top1": 0.0}]):
        found = diagnose(rows, finished=False)
        assert [(v.code, v.against) for v in found] == [("D003", False)]


def test_no_earlier_look_and_pixels_that_find_most_are_no_reason_to_condemn():
    assert codes(pixels=0.85, top1=1.0) == []
    late = [START, {**HALF, "step": 8}]
    assert [v.code for v in diagnose([*late, GOOD])] == ["D003"]


def test_a_run_that_a_time_budget_cut_is_judged_by_the_half_of_what_it_did():
    looks = [{**HALF, "step": step, "done": step / 20, "top1": 0.1 * step} for step in range(1, 9)]
    assert [v.code for v in diagnose([START, *looks, {**GOOD, "top1": 0.9}])] == ["D003"]


def test_of_methods_without_views_nothing_learned_cannot_be_told():
    without = [{k: v for k, v in row.items() if k not in ("pixels", "light")} for row in (START, HALF, GOOD)]
    assert diagnose([*without[:2], {**without[2], "top1": 0.0}]) == []


def verdicts(objective, *, views=PRESETS["digits"], x=DIGITS, epochs=20, **changes):
    monitor = Monitor(TrainingSet.of(x), views=views, epochs=epochs)
    train(
        objective,
        TrainingSet.of(x, views=views),
        recipe=Recipe(epochs=epochs, batch_size=64, **changes),
        run=Run(watch=monitor),
    )
    return {verdict.code for verdict in diagnose(monitor.rows)}


def encoder(x=DIGITS):
    torch.manual_seed(0)  # for the projector that is built around it
    return untrained_encoder(encoder_spec("small", TrainingSet.of(x)), seed=0)


class WithoutStopGradient(SimSiam):
    """SimSiam as its paper's figure 2 breaks it."""

    def forward(self, batch):
        z = self.projector(self.encoder(torch.cat(batch.views)))
        (z1, z2), (p1, p2) = (part.chunk(2) for part in (z, self.predictor(z)))
        return {"similarity": (negative_cosine(p1, z2) + negative_cosine(p2, z1)) / 2}


@pytest.mark.slow
def test_simclr_and_simsiam_as_they_should_be_are_healthy():
    assert verdicts(SimCLR(encoder())) == set()
    assert verdicts(SimSiam(encoder())) == set()


@pytest.mark.slow
def test_simsiam_without_stop_gradient_collapses():
    assert verdicts(WithoutStopGradient(encoder())) == {"D001"}


@pytest.mark.slow
def test_identity_views_are_too_weak():
    assert verdicts(SimCLR(encoder()), views=PRESETS["identity"]) == {"D004"}


@pytest.mark.slow
def test_views_that_leave_the_colours_are_a_shortcut():
    views = Views(rotation=(-180, 180), crop=(0.8, 1.0))
    assert verdicts(SimCLR(encoder(SHAPES)), views=views, x=SHAPES) == {"D002"}


@pytest.mark.slow
def test_a_temperature_of_10_is_too_high():
    assert "D005" in verdicts(SimCLR(encoder(), temperature=10.0))


@pytest.mark.slow
def test_one_epoch_is_not_enough():
    assert verdicts(SimCLR(encoder()), epochs=1) == {"D003"}


def test_a_folder_is_judged_finished_or_not_and_the_exit_code_says_which(tmp_path, capsys):
    out = tmp_path / "run"
    pretrain("digits", recipe=Recipe(epochs=4), views="identity", run=Run(out))
    assert main(["doctor", str(out)]) == 3
    assert "D004" in capsys.readouterr().out
    shutil.move(out, tmp_path / "other.partial")
    assert "not finished" in str(doctor(tmp_path / "other"))
    with pytest.raises(UserError, match=r"no health\.csv"):
        doctor(tmp_path)
    with pytest.raises(UserError, match="no folder"):
        doctor(tmp_path / "nowhere")


def test_a_study_is_judged_by_the_runs_that_have_begun(tmp_path):
    for name, text in (("simclr", "step,done\n"), ("moco", None)):
        folder = tmp_path / "study.partial" / "encode" / name
        folder.mkdir(parents=True)
        Log(folder / "health.csv").add([GOOD] if text is None else [])
    assert list(doctor(tmp_path / "study").runs) == ["moco"]


def test_a_finished_study_says_which_method_is_not_shown_to_help(tmp_path):
    def against(a, budget, difference, p):
        low, high = difference - 0.03, difference + 0.03
        return Comparison(budget, a, "svm-pixels", difference, low, high, p, p, "other", "models")

    for name in ("simclr", "moco"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        Log(tmp_path / "runs" / name / "health.csv").add([START, {**GOOD, "step": 4}, GOOD])
    compared = [
        against("simclr+probe", "10", 0.2, 0.001), against("moco+probe", "10", 0.2, 0.001),
        against("simclr+probe", "all", -0.008, 0.6), against("simclr+svm", "all", -0.02, 0.3),
        against("moco+probe", "all", 0.01, 0.6), against("moco+finetune", "all", 0.1, 0.01),
    ]  # fmt: skip
    (tmp_path / "results.json").write_text(json.dumps({"comparisons": to_json(compared)}))
    found = doctor(tmp_path)
    assert "simclr: No help shown for these labels\n  D009" in str(found)
    assert "simclr+probe has -0.8 points [-3.8, 2.2] against svm-pixels" in str(found)
    assert found.runs["moco"][1] == []
    assert found.exit_code == 0


def test_every_code_has_a_page(request):
    pages = {page.stem for page in (request.config.rootpath / "docs" / "doctor").glob("D*.md")}
    source = (request.config.rootpath / "src/headstart/representation/doctor.py").read_text()
    assert pages == {f"D{i:03}" for i in range(1, 10)}
    assert all(f'"{page}"' in source for page in pages)
