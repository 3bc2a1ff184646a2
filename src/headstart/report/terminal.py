"""The study's result as plain text for the terminal."""

from pathlib import Path
from textwrap import wrap
from typing import Any

from headstart.report import words
from headstart.report.scores import budgets, ranked

WIDTH = 79


def summary(results: dict[str, Any], folder: Path | None = None) -> str:
    """The answer, a small table (approach, score at each number of labels a class, time), and where things lie.

    Args:
        results: The content of results.json.
        folder: The study's folder, whose files are listed; None leaves them out.
    """
    parts = ["\n".join(wrap(results["answer"], WIDTH)), _table(results)]
    if folder is not None:
        parts.append(_paths(results, folder))
    return "\n\n".join(parts)


def _table(results: dict[str, Any]) -> str:
    columns = budgets(results)
    wide = max(len(a["name"]) for a in results["approaches"]) + 2
    head = f"{'labels a class':{wide}}" + "".join(f"{b:>8}" for b in columns) + f"{'time':>13}"
    lines = [head, "-" * len(head)]
    for a in ranked(results):
        mark = "> " if a["name"] == results["winner"] else "  "
        cells = (words.score(a["scores"][b]["mean"]) if b in a["scores"] else "–" for b in columns)
        lines.append(
            f"{mark + a['name']:{wide}}" + "".join(f"{c:>8}" for c in cells) + f"{words.duration(a['seconds']):>13}"
        )
    return "\n".join([*lines, f"({words.metric(results['metric'])}; > is the approach named)"])


def _paths(results: dict[str, Any], folder: Path) -> str:
    rows = [("report", "report.html"), ("classifier", "winner/"), ("results", "results.json")]
    if results["n_unlabelled"]:
        rows.append(("predictions", "predictions.csv"))
    return "\n".join(f"{name:<12} {folder / file}{'/' if file.endswith('/') else ''}" for name, file in rows)
