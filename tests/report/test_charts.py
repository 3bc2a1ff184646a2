"""Intervals and small charts."""

import numpy as np
import pytest
from scipy.stats import binomtest

from headstart.report.charts import learning_curve, reliability, training_curves, wilson
from headstart.study.findings import Findings


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (3, 7), (40, 40), (180, 200)])
def test_wilsons_interval_is_scipys(hits: int, n: int) -> None:
    expected = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert wilson(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_the_learning_curve_shows_twice_the_labels(findings: Findings) -> None:
    assert findings.learning_curve
    text = learning_curve(findings.learning_curve, "simclr+probe", "accuracy")
    assert ">450</text>" in text
    assert "twice" in text


def test_reliability_bears_perfect_and_single_confidences() -> None:
    assert "<svg" in reliability(np.ones(40), np.ones(40, bool))
    assert "<svg" in reliability(np.array([0.4]), np.array([False]))


def test_each_training_run_has_its_own_chart(findings: Findings) -> None:
    text = training_curves({**findings.curves, "greedy": findings.curves["simclr"]})
    assert all(f">{name}</text>" in text for name in (*findings.curves, "greedy"))
