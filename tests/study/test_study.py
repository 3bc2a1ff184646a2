"""A study keeps its protocol: the same splits for all, test labels that choose nothing, and the keys it promises."""

import inspect
import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from headstart.codec import from_json
from headstart.commands.study import study as study_command
from headstart.commands.study import words
from headstart.data.load import load
from headstart.errors import UserError
from headstart.evaluation.statistics import holm
from headstart.report.run import run_study
from headstart.report.scores import best
from headstart.study import conduct, plan, pool
from headstart.study.records import Chosen, Protocol, StudyRecord
from headstart.training.run import Run

BASELINES = ["majority", "knn-pixels", "untrained+probe", "untrained:autoencoder+probe"]
NAMES = [*BASELINES, "autoencoder+probe", "simclr+finetune"]


def test_results_hold_what_the_protocol_promises(finished):
    results = json.loads((finished.folder / "results.json").read_text())
    promised = {
        "answer", "source", "data_hash", "n_labelled", "n_unlabelled", "class_names", "seed", "metric", "split_hash",
        "encoders", "winner", "approaches", "comparisons",
    }  # fmt: skip
    assert promised <= set(results)
    assert (results["n_labelled"], results["n_unlabelled"], results["class_names"]) == (60, 40, ["0", "1", "2"])
    assert results["metric"] == "balanced_accuracy"
    assert [a["name"] for a in results["approaches"]] == NAMES
    for a in results["approaches"]:
        assert set(a) == {"name", "kind", "saw", "scores", "seconds"}
        assert list(a["scores"]) == ["3", "all"]
        for s in a["scores"].values():
            assert set(s) == {"mean", "low", "high", "about", "selection", "folds", "n_labels"}
            assert s["mean"] == pytest.approx(np.mean(s["folds"]))  # of 15 images each, five of a class
            assert s["low"] <= s["mean"] <= s["high"]
            assert len(s["folds"]) == 4
        assert [s["n_labels"] for s in a["scores"].values()] == [9, 45]
    compared = {"budget", "a", "b", "difference", "low", "high", "p", "p_holm", "role", "about"}
    assert all(set(c) == compared for c in results["comparisons"])
    assert from_json(StudyRecord, results) == finished.record


def test_baselines_saw_nothing_and_pretrained_approaches_what_the_study_says(finished):
    kinds = {a.name: (a.kind, a.saw) for a in finished.record.approaches}
    assert {kinds[name] for name in BASELINES} == {("baseline", "none")}
    assert {kinds[name] for name in NAMES[4:]} == {("pretrained", "unlabelled")}


def test_every_architecture_among_the_pretrained_has_its_untrained_row(finished):
    rows = [a for a in finished.record.approaches if a.name.startswith("untrained")]
    assert [(a.name, a.kind) for a in rows] == [
        ("untrained+probe", "baseline"),
        ("untrained:autoencoder+probe", "baseline"),
    ]
    assert rows[0].scores["all"].folds != rows[1].scores["all"].folds
    assert all(set(a.scores) == {"3", "all"} for a in rows)


def test_the_majority_scores_one_over_the_number_of_classes(finished):
    assert finished.record.score("majority", "all").mean == pytest.approx(1 / 3)


def test_named_and_best_baseline_are_those_that_selection_prefers(finished):
    for budget, chosen in finished.record.chosen.items():
        selection = {a.name: a.scores[budget].selection for a in finished.record.approaches}
        assert selection[chosen.named] == max(selection.values())
        assert selection[chosen.baseline] == max(selection[name] for name in BASELINES)
    assert finished.record.winner == finished.record.chosen["all"].named


def test_comparisons_are_every_approach_against_the_best_baseline_by_what_the_table_shows(finished):
    for budget, chosen in finished.record.chosen.items():
        rows = [c for c in finished.record.comparisons if c.budget == budget]
        assert {c.b for c in rows} == {chosen.baseline}
        assert {c.a for c in rows} == set(NAMES) - {chosen.baseline}
        for c in rows:
            a, b = (finished.record.score(name, budget).mean for name in (c.a, c.b))
            assert c.difference == pytest.approx(a - b)


def test_one_difference_is_tested_for_itself_and_baselines_for_nothing(finished):
    last = list(finished.record.chosen)[-1]
    for c in finished.record.comparisons:
        named = c.a == finished.record.chosen[c.budget].named
        assert c.role == ("named" if named else "baseline" if c.a in BASELINES else "other")
        family = [d.p for d in finished.record.comparisons if (d.role, d.budget) == ("other", c.budget)]
        if c.role == "baseline":
            assert c.p_holm is None
        elif c.role == "other":
            assert c.p_holm == pytest.approx(holm(family)[family.index(c.p)])
        elif c.budget == last or len(finished.record.chosen) == 2:
            assert c.p_holm == c.p, "the one that confirms, and one smaller budget"


def test_a_score_says_what_it_is_about(finished):
    # Three labels a class are 9 of 60, drawn twice as every image is tested once; all are 45 of 60.
    for a in finished.record.approaches:
        networks = a.name.endswith("+finetune")
        assert a.scores["3"].about == ("models" if networks else "labels")
        assert a.scores["all"].about == "models"


@pytest.fixture(scope="module")
def several(study):
    return study("several", approaches="knn-pixels,untrained+knn", encoders=4)


def test_with_several_encoders_a_score_is_about_any_seed_and_pixels_are_the_same(several, finished):
    assert (several.record.encoders, finished.record.encoders) == (4, 1)
    for name, about in (
        ("knn-pixels", ["labels", "models"]),
        ("untrained+knn", ["labels and encoders", "encoders"]),
    ):
        assert [s.about for s in several.record.approach(name).scores.values()] == about
    assert several.record.approach("knn-pixels").scores == finished.record.approach("knn-pixels").scores
    for c in several.record.comparisons:
        a, b = (several.record.score(name, c.budget).mean for name in (c.a, c.b))
        assert c.difference == pytest.approx(a - b)
        assert "encoders" in c.about, "one side at least is several"


@pytest.mark.parametrize("encoders", [0, 2, 3])
def test_too_few_encoders_are_refused_before_anything_is_begun(study, tmp_path, encoders):
    with pytest.raises(UserError, match=f"--encoders {encoders}: wanted 1, or at least 4"):
        study("few", out=tmp_path / "out", encoders=encoders)
    assert list(tmp_path.iterdir()) == []


def test_the_answer_is_one_sentence_and_stands_first(finished):
    assert finished.answer.endswith(".")
    assert "\n" not in finished.answer
    assert str(finished).startswith(finished.answer)
    assert finished.record.winner in str(finished)


def test_the_folder_holds_the_promised_files_and_no_working_state(finished):
    names = ["embeddings", "predictions.csv", "report.html", "results.json", "runs", "winner"]
    assert sorted(f.name for f in finished.folder.iterdir()) == names
    assert all(
        (run / log).is_file() for run in (finished.folder / "runs").iterdir() for log in ("log.csv", "health.csv")
    )
    assert not finished.folder.with_name("finished.partial").exists()


def test_every_encoders_representation_is_in_the_result_a_row_an_image(finished, source):
    """Which is that of the winner's bundle where the winner is that encoder: test_winner."""
    files = {file.name: parquet.read_table(file) for file in (finished.folder / "embeddings").iterdir()}
    methods = ["autoencoder", "simclr", "untrained", "untrained-autoencoder"]
    assert set(files) == {f"{method}.parquet" for method in methods}
    dataset = load(source)
    for table in files.values():
        assert table.column_names == ["id", "h", "label"]
        assert tuple(table["id"].to_pylist()) == dataset.ids
        assert table["label"].to_pylist() == [None if k < 0 else k for k in dataset.labels]
        h = np.array(table["h"].to_pylist())
        assert np.isfinite(h).all()
        assert (h.std(0) > 0).any()


def test_the_same_seed_gives_the_same_study_and_another_other_splits(finished, study):
    def timeless(record):
        return replace(record, approaches=tuple(replace(a, seconds=0.0) for a in record.approaches))

    again, other = study("again"), study("other", approaches="majority,knn-pixels", seed=1)
    assert timeless(again.record) == timeless(finished.record)
    for name in ("predictions.csv", "winner/model.safetensors"):
        assert (again.folder / name).read_bytes() == (finished.folder / name).read_bytes()
    assert other.record.split_hash != finished.record.split_hash


def test_approaches_do_not_change_each_other(finished, study):
    alone = study("alone", approaches="autoencoder+probe,knn-pixels")
    for name in ("autoencoder+probe", "knn-pixels"):
        assert alone.record.approach(name).scores == finished.record.approach(name).scores


def test_a_frame_has_a_row_an_approach_and_budget(finished):
    rows = finished.frame()
    assert len(rows) == 2 * len(NAMES)
    assert {r["budget"] for r in rows} == {"3", "all"}


def test_another_metric_is_reported_by_its_name(study):
    found = study("accuracy", approaches="majority,knn-pixels", budgets="all", metric="accuracy")
    assert found.record.metric == "accuracy"
    assert found.record.score("majority", "all").mean == pytest.approx(1 / 3)


def test_what_does_not_fit_into_the_time_is_named(study, monkeypatch):
    monkeypatch.setattr(conduct, "costs", lambda space: dict.fromkeys(plan.costs(space), 99.0))
    found = study("hurried", approaches="knn-pixels,autoencoder+probe", budgets="all", time_budget="100s")
    assert found.record.left_out == ("Training: every network for 3% of its usual epochs, to fit into the time.",)
    assert found.record.left_out[0] in str(found)


def test_no_time_at_all_is_refused_and_leaves_nothing(study, tmp_path):
    with pytest.raises(UserError, match="give more time"):
        study("nothing", out=tmp_path / "out", time_budget="0.01s")
    assert list(tmp_path.iterdir()) == []


def test_at_one_label_a_class_the_next_larger_budget_chooses(study):
    found = study("one-and-all", approaches="majority,linear-pixels,knn-pixels", budgets="1,3")
    assert found.record.chosen["1"] == found.record.chosen["3"]
    assert found.record.chosen["1"].named != "majority"
    for a in found.record.approaches:
        assert a.scores["1"].selection == a.scores["3"].selection


def test_one_label_a_class_alone_chooses_nothing_and_names_by_convention(study):
    found = study("one", approaches="majority,knn-pixels,svm-pixels", budgets="1")
    assert found.record.chosen == {"1": Chosen("svm-pixels", "svm-pixels")}
    assert {a.scores["1"].selection for a in found.record.approaches} == {None}
    assert "named by convention" in found.answer
    assert best(found.record, "baseline", "1") is found.record.approach("svm-pixels")
    other = study("one-other", approaches="majority,knn-pixels", budgets="1")
    assert other.record.winner == "knn-pixels"


def grouped():
    """Ten patients, each with six labelled images, two of a class, and four unlabelled."""
    images = np.random.default_rng(0).integers(0, 256, (100, 16, 16), dtype=np.uint8)
    groups = np.concatenate([np.arange(40) // 4, np.arange(60) // 6])
    return {"unlabelled": images[:40], "labelled": images[40:], "labels": np.arange(60) % 3, "groups": groups}


@pytest.mark.parametrize(
    ("saw", "said"),
    [("unlabelled", "saw unlabelled images of tested groups, as inputs only"),
     ("training", "Unlabelled images of a tested group were not shown to that split's encoder")],
)  # fmt: skip
def test_the_protocol_says_what_encoders_saw_of_tested_groups(study, monkeypatch, saw, said):
    sentences, real = [], conduct.sentences
    monkeypatch.setattr(conduct, "sentences", lambda *given: sentences.extend(real(*given)) or sentences)
    study(f"grouped-{saw}", grouped(), approaches="knn-pixels", budgets="all", saw=saw)
    (line,) = [s for s in sentences if "one group" in s]
    assert line.startswith("Labelled images of one group were always on the same side of a split.")
    assert said in line


def test_the_command_repeats_the_study_as_it_was_typed():
    given = {**defaults(), "source": "my images/cells.npz", "time_budget": "10m", "ordered_classes": True,
             "data_root": "/data sets", "out": Path("runs/a b"), "device": "cpu", "resume": True}  # fmt: skip
    typed = shlex.split(words(given))
    assert typed[:3] == ["headstart", "study", "my images/cells.npz"]
    assert typed[3:] == ["--time-budget", "10m", "--device", "cpu", "--data-root", "/data sets", "--ordered-classes",
                         "--out", "runs/a b"]  # fmt: skip
    assert words({**defaults(), "source": "cells"}) == "headstart study cells"


def defaults():
    return {p.name: p.default for p in inspect.signature(study_command).parameters.values()}


def test_ordered_classes_asked_of_a_finished_folder_are_not_silently_ignored(finished, study):
    assert study("finished").answer == finished.answer
    with pytest.raises(UserError, match="ordered_classes"):
        study("finished", ordered_classes=True)


def test_from_python_the_same_values_give_the_same_study_and_the_report_repeats_the_call(source, tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "INLINE_SECONDS", float("inf"))
    asked, shares, told = Protocol(budgets="all", folds=4, repeats=1, seed=3), [], []
    monkeypatch.setattr("headstart.report.run.write_report", lambda found, path: told.append(found.command))
    run = Run(tmp_path / "python", progress=shares.append)
    result = run_study(source, approaches=["knn-pixels", "majority"], protocol=asked, run=run)
    typed = study_command(
        source, approaches="knn-pixels,majority", budgets="all", folds=4, repeats=1, seed=3, out=tmp_path / "typed"
    )
    assert [a.scores for a in result.record.approaches] == [a.scores for a in typed.record.approaches]
    assert result.record.request == typed.record.request
    assert shares == sorted(shares)
    assert told[0] == (
        "headstart.run_study(…, approaches=['knn-pixels', 'majority'], "
        "protocol=Protocol(budgets='all', folds=4, repeats=1, seed=3))"
    )
    assert told[1].startswith("headstart study '…' --approaches knn-pixels,majority --budgets all")


@pytest.mark.parametrize(
    ("wrong", "said"), [({"encoders": 2}, "4"), ({"metric": "speed"}, "unknown metric"), ({"seed": -1}, "seed=-1")]
)
def test_a_protocol_that_cannot_be_followed_is_refused_where_it_is_made(wrong, said):
    with pytest.raises(UserError, match=said):
        Protocol(**wrong)
