"""The mistakes shown are the winner's own, the surest first."""

import re
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from headstart.report import mistakes
from headstart.study.findings import Findings


def wrong_ones(findings: Findings, guesses: dict[int, tuple[int, float]]) -> Findings:
    """Everything right and sure, but for these images: index -> (guess, confidence)."""
    probabilities = np.eye(10)[findings.dataset.labels[:300]]
    for i, (guess, confidence) in guesses.items():
        probabilities[i] = (1 - confidence) / 9
        probabilities[i, guess] = confidence
    return replace(findings, probabilities=probabilities)


def test_mistakes_descend_by_confidence(findings: Findings) -> None:
    text = mistakes.wrong(wrong_ones(findings, {7: (1, 0.6), 20: (5, 0.9), 31: (2, 0.75)}))
    assert re.findall(r"<code>digits/(\d+)</code>", text) == ["20", "31", "7"]
    assert "digit 0 → </span><b>digit 5</b><small>90 %</small>" in text


def test_a_faultless_winner_is_said_to_be_one(findings: Findings) -> None:
    assert "no mistake" in mistakes.wrong(wrong_ones(findings, {}))


def test_least_sure_images_keep_the_order_of_the_predictions(findings: Findings) -> None:
    shown = re.findall(r"<code>([^<]*)</code>", mistakes.unsure(findings))
    assert shown == [r.id for r in findings.predictions[: mistakes.SHOWN]]


def test_the_matrix_is_scikit_learns(findings: Findings) -> None:
    text = mistakes.confusion(findings)
    cells = [int(n.replace("·", "0")) for n in re.findall(r'<td class="(?:right|amiss)[^>]*>([\d·]+)', text)]
    y = findings.dataset.labels[:300]
    assert (np.reshape(cells, (10, 10)) == confusion_matrix(y, findings.probabilities.argmax(1))).all()


def test_quadratic_kappa_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    y, guess = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    expected = cohen_kappa_score(y, guess, weights="quadratic")
    assert mistakes.quadratic_kappa(confusion_matrix(y, guess)) == pytest.approx(expected)


def test_kappa_is_shown_for_ordered_classes_only(findings: Findings) -> None:
    assert "kappa" not in mistakes.confusion(findings)
    request = findings.record.request
    request = replace(request, protocol=replace(request.protocol, ordered_classes=True))
    assert "kappa" in mistakes.confusion(replace(findings, record=replace(findings.record, request=request)))


@pytest.mark.parametrize(
    ("confidence", "words"), [(0.99, "surer than"), (0.3, "less sure than"), (0.8, "about as sure")]
)
def test_calibration_is_put_into_words(findings: Findings, confidence: float, words: str) -> None:
    y = findings.dataset.labels[:300]
    guesses = {i: ((y[i] + (i % 5 == 0)) % 10, confidence) for i in range(300)}
    assert words in mistakes.calibration(wrong_ones(findings, guesses))
