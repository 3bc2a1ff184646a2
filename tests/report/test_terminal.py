"""The terminal shows the answer, every approach and where things lie, in plain text of at most 80 columns."""

import io
from pathlib import Path

from rich.console import Console

from headstart.report.terminal import summary
from headstart.study.findings import Findings


def test_the_answer_comes_first_and_every_approach_has_a_line(findings: Findings) -> None:
    text = summary(findings.results, Path("runs/digits"))
    assert " ".join(text.splitlines()[:2]).startswith(findings.results["answer"][:100])
    assert all(
        sum(line[2:].startswith(f"{a['name']} ") for line in text.splitlines()) == 1
        for a in findings.results["approaches"]
    )
    assert "runs/digits/report.html" in text
    assert "runs/digits/winner/" in text


def test_the_approach_named_is_marked(findings: Findings) -> None:
    marked = [line for line in summary(findings.results).splitlines() if line.startswith(">")]
    assert len(marked) == 1
    assert "simclr+probe" in marked[0]


def test_lines_fit_the_terminal(findings: Findings) -> None:
    assert max(map(len, summary(findings.results).splitlines())) <= 80


def test_rich_prints_it_unchanged(findings: Findings) -> None:
    text, file = summary(findings.results), io.StringIO()
    Console(file=file, width=100).print(text, highlight=False)
    assert file.getvalue().rstrip("\n") == text


def test_no_predictions_are_announced_without_unlabelled_images(findings: Findings) -> None:
    findings.results["n_unlabelled"] = 0
    assert "predictions.csv" not in summary(findings.results, Path("x"))


def test_a_missing_budget_is_a_dash(findings: Findings) -> None:
    del findings.results["approaches"][0]["scores"]["3"]
    assert "–" in summary(findings.results)
