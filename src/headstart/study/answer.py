"""The answer: one sentence on which approach is best, at how many labels, by how much, and how certainly."""

from typing import Any

LEVEL = 0.05


def compose(results: dict[str, Any], *, beats_guessing: bool) -> str:
    """The sentence, from results.json's content (with ``chosen``).

    beats_guessing: whether the winner is detectably better than always naming one class.
    """
    chosen, budgets = results["chosen"], list(results["chosen"])
    last = budgets[-1]
    winner = results["winner"]
    reached = _score(results, winner, last)
    if not beats_guessing:
        return (
            f"Nothing: at {_labels(results, winner, last)}, no approach is detectably better than guessing; "
            f"the one named, {winner}, scores {reached}."
        )
    gains = {b: row for b in budgets if (row := _gain(results, b))}
    found, nothing = list(gains), [b for b in budgets if b not in gains]
    if not found:
        baseline = chosen[last]["baseline"]
        where = "at any number of labels" if len(budgets) > 1 else f"at {_labels(results, winner, last)}"
        return (
            f"Pretraining adds nothing detectable over the best baseline {where}; at {_labels(results, winner, last)} "
            f"{winner} is named, with {reached}" + ("." if winner == baseline else f" ({_versus(results, last)}).")
        )
    lead = found[-1]
    text = _claim(results, lead, gains[lead])
    others = [b for b in found if b != lead]
    if others:
        text += "; " + "; ".join(_claim(results, b, gains[b], short=chosen[b] == chosen[lead]) for b in others)
    if nothing:
        text += f", and nothing detectable at {_join([_short(b) for b in nothing])}"
    return text + "."


def _gain(results: dict[str, Any], budget: str) -> dict[str, Any] | None:
    """The comparison of the approach named with the best baseline, where it is a detectable gain by pretraining."""
    named = results["chosen"][budget]["named"]
    row = next((c for c in results["comparisons"] if c["budget"] == budget and c["a"] == named), None)
    return row if row and row["difference"] > 0 and row["p_holm"] < LEVEL else None


def _claim(results: dict[str, Any], budget: str, row: dict[str, Any], *, short: bool = False) -> str:
    points = f"{100 * row['difference']:+.1f} points [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
    if short:
        return f"{points} at {_short(budget)}"
    return (
        f"{row['a']} adds {points} over the best baseline ({row['b']}) at {_labels(results, row['a'], budget)}, "
        f"reaching {_score(results, row['a'], budget)}"
    )


def _versus(results: dict[str, Any], budget: str) -> str:
    named = results["chosen"][budget]["named"]
    row = next(c for c in results["comparisons"] if c["budget"] == budget and c["a"] == named)
    points = f"{100 * row['difference']:+.1f} points [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
    return f"{points} against {row['b']}, which chance may explain"


def _score(results: dict[str, Any], name: str, budget: str) -> str:
    s = next(a for a in results["approaches"] if a["name"] == name)["scores"][budget]
    return f"{s['mean']:.3f} [{s['low']:.3f}, {s['high']:.3f}] {results['metric'].replace('_', ' ')}"


def _labels(results: dict[str, Any], name: str, budget: str) -> str:
    if budget != "all":
        return f"{budget} label{'s' if budget != '1' else ''} a class"
    n = next(a for a in results["approaches"] if a["name"] == name)["scores"][budget]["n_labels"]
    return f"all {n} training labels"


def _short(budget: str) -> str:
    return "all labels" if budget == "all" else f"{budget} a class"


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
