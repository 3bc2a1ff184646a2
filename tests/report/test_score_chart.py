"""Lines end in labels that do not overlap, and only what matters has a colour."""

from dataclasses import replace

import numpy as np
import pytest

from headstart.report.score_chart import accuracy_chart, drawn, spread, stands_out
from headstart.study.findings import Findings


def test_labels_that_are_apart_stay_where_they_are() -> None:
    assert spread([0.1, 0.9, 0.5], 0.2, 0.0, 1.0) == pytest.approx([0.1, 0.9, 0.5])


def test_labels_that_meet_are_moved_apart_about_their_mean() -> None:
    assert spread([0.5, 0.5, 0.5], 0.1, 0.0, 1.0) == pytest.approx([0.4, 0.5, 0.6])


def test_labels_stay_within_the_frame_and_in_order() -> None:
    values = np.random.default_rng(0).beta(9, 1, 13)
    placed = np.array(spread(values.tolist(), 0.06, 0.0, 1.0))
    assert placed.min() >= 0
    assert placed.max() <= 1 + 1e-9
    assert (np.argsort(placed) == np.argsort(values)).all()
    assert np.diff(np.sort(placed)).min() > 0.06 - 1e-9


def test_two_approaches_stand_out_and_the_winner_is_one(findings: Findings) -> None:
    names = [a.name for a in findings.record.approaches if stands_out(findings.record, a)]
    assert names == ["knn-pixels", "simclr+probe"]


def test_majority_is_drawn_only_when_it_is_alone(findings: Findings) -> None:
    assert "majority" not in [a.name for a in drawn(findings.record)]
    assert len(drawn(replace(findings.record, approaches=findings.record.approaches[:1]))) == 1


def test_every_line_is_named_and_all_has_its_number(findings: Findings) -> None:
    text = accuracy_chart(findings.record)
    assert all(f">{a.name}</text>" in text for a in drawn(findings.record))
    assert "all (22)" in text


def test_a_name_with_a_dollar_is_no_formula(findings: Findings) -> None:
    first, second, *others = findings.record.approaches
    record = replace(findings.record, approaches=(first, replace(second, name="$x$ & <b>"), *others))
    assert "$x$ &amp; &lt;b&gt;" in accuracy_chart(record)
