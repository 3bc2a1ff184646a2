"""Selection names the best, test scores order the table."""

import re
from collections.abc import Callable
from dataclasses import replace

from headstart.evaluation.uncertainty import Target
from headstart.report import words
from headstart.report.facts import scores
from headstart.report.scores import best, labels_a_class, on_pixels, ranked, score_table
from headstart.study.findings import Findings


def test_budgets_ascend_and_all_is_last(findings: Findings) -> None:
    first, *others = findings.record.approaches
    first = replace(first, scores={**first.scores, "25": first.scores["all"]})
    assert replace(findings.record, approaches=(first, *others)).budgets == ["3", "5", "10", "25", "all"]


def test_all_stands_at_the_training_labels_a_class(findings: Findings) -> None:
    assert labels_a_class(findings.record, "all") == 225 / 10
    assert labels_a_class(findings.record, "5") == 5


def test_the_best_is_best_by_selection_and_not_by_its_test_score(findings: Findings) -> None:
    simclr, other = (findings.record.approach(name) for name in ("simclr+probe", "simclr+finetune"))
    assert simclr.scores["all"].mean < other.scores["all"].mean
    assert best(findings.record, "pretrained", "all") is simclr


def test_a_missing_selection_is_never_best(findings: Findings) -> None:
    only, *others = findings.record.approaches
    others = [replace(a, scores={"all": replace(a.scores["all"], selection=None)}) for a in others]
    assert best(replace(findings.record, approaches=(only, *others)), "baseline", "all") is only
    assert best(replace(findings.record, approaches=(only,)), "pretrained", "all") is None


def test_rows_descend_by_mean_at_all_labels(findings: Findings) -> None:
    means = [a.scores["all"].mean for a in ranked(findings.record)]
    assert means == sorted(means, reverse=True)


def test_networks_are_not_pixels() -> None:
    names = ("svm-pixels", "majority", "gaussian-process", "supervised", "untrained+probe", "simclr+knn")
    assert [on_pixels(name) for name in names] == [True, True, True, False, False, False]


def test_every_cell_but_the_best_baselines_has_a_difference(findings: Findings) -> None:
    text = score_table(findings.record)
    approaches = findings.record.approaches
    assert text.count("best baseline") == 4
    assert len(re.findall(r"[+−±-]?\d+\.\d \[", text)) == 4 * (len(approaches) - 1)
    assert text.count("named in the answer") == 1


def test_baselines_among_themselves_have_a_difference_but_no_p_and_no_colour(findings: Findings) -> None:
    pretrained = [a for a in findings.record.approaches if a.kind == "pretrained"]
    text = score_table(findings.record)
    assert len(re.findall(r"p (?:=|&gt;) [\d.]+", text)) == 4 * len(pretrained)
    comparisons = tuple(replace(c, p_holm=None) for c in findings.record.comparisons)
    text = score_table(replace(findings.record, comparisons=comparisons))
    assert not re.findall(r"p (?:=|&gt;|&lt;)", text)
    assert 'class="better"' not in text
    assert 'class="worse"' not in text


def test_only_certain_differences_are_coloured(findings: Findings) -> None:
    comparisons = tuple(replace(c, p_holm=0.051) for c in findings.record.comparisons)
    text = score_table(replace(findings.record, comparisons=comparisons))
    assert 'class="better"' not in text
    assert 'class="worse"' not in text


def test_below_the_table_stands_what_its_intervals_are_about_and_of_whom_not(findings: Findings) -> None:
    at = " and ".join(words.at_budget(budget) for budget in ("3", "5", "10"))
    said = "Intervals are about these fitted models on new inputs; {} also about fresh labels{}."
    assert said.format(at, "") in str(scores(findings))
    text = about(findings, lambda a, budget: "models" if budget != "3" or a == "supervised" else "labels and encoders")
    assert f"; {words.at_budget('3')} also about fresh labels and other seeds (not of supervised)." in text
    assert said.partition(";")[0] + "." in about(findings, lambda *_: "models")


def about(findings: Findings, what: Callable[[str, str], Target]) -> str:
    """The section where every score is about what it should, by approach and budget."""
    approaches = [
        replace(a, scores={b: replace(s, about=what(a.name, b)) for b, s in a.scores.items()})
        for a in findings.record.approaches
    ]
    return str(scores(replace(findings, record=replace(findings.record, approaches=tuple(approaches)))))
