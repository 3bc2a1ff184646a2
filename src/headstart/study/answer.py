"""The answer: one sentence on which approach is best, at how many labels, by how much, and how certainly."""

from typing import Any

from headstart.evaluation.statistics import LEVEL, detectable, points


def compose(results: dict[str, Any], *, beats_guessing: bool) -> str:
    """The sentence, from results.json's content (with ``chosen``).

    beats_guessing: whether the winner is detectably better than always naming one class.
    """
    chosen, by_convention = results["chosen"], _selection(results) is None
    gains = {b: row for b in chosen if (row := _gain(results, b))}
    missed = {b: row for b in chosen if b not in gains and (row := _missed(results, b))}
    if by_convention:
        text = _by_convention(results, beats_guessing) + (
            "" if missed else ", and no pretrained approach is detectably better"
        )
    elif not beats_guessing:
        earlier = {b: row for b, row in gains.items() if b != list(chosen)[-1]}
        text = _guessing(results, nothing=not missed and not earlier)
        text += f"; {_gained(results, earlier, [])}" if earlier else ""
    elif gains:
        text = _gained(results, gains, [b for b in chosen if b not in gains and b not in missed])
    else:
        text = _nothing(results, "The approach named" if missed else "Pretraining")
    return text + _not_chosen(missed) + "."


def _guessing(results: dict[str, Any], *, nothing: bool) -> str:
    winner, last = results["winner"], list(results["chosen"])[-1]
    return (
        f"{'Nothing: at' if nothing else 'At'} {_labels(results, winner, last)}, the approach named, {winner}, is not "
        f"detectably better than guessing, with {_score(results, winner, last)}"
    )


def _by_convention(results: dict[str, Any], beats_guessing: bool) -> str:
    winner, last = results["winner"], list(results["chosen"])[-1]
    return (
        f"At {_labels(results, winner, last)} nothing can be held out to choose by: {winner}, named by convention, "
        f"reaches {_score(results, winner, last)}{'' if beats_guessing else ', not detectably better than guessing'}"
    )


def _nothing(results: dict[str, Any], what: str) -> str:
    budgets, winner = list(results["chosen"]), results["winner"]
    last = budgets[-1]
    labels = _labels(results, winner, last)
    where = "at any number of labels" if len(budgets) > 1 else f"at {labels}"
    return (
        f"{what} adds nothing detectable over the best baseline {where}; at {labels} {winner} is named, with "
        f"{_score(results, winner, last)}"
        + ("" if winner == results["chosen"][last]["baseline"] else f" ({_versus(results, last)})")
    )


def _gained(results: dict[str, Any], gains: dict[str, dict[str, Any]], nothing: list[str]) -> str:
    chosen, lead = results["chosen"], list(gains)[-1]
    text = _claim(results, lead, gains[lead])
    others = [b for b in gains if b != lead]
    if others:
        text += "; " + "; ".join(_claim(results, b, gains[b], short=chosen[b] == chosen[lead]) for b in others)
    if nothing:
        text += f", and nothing detectable at {_join([_short(b) for b in nothing])}"
    return text


def _missed(results: dict[str, Any], budget: str) -> dict[str, Any] | None:
    """The largest detectable gain by pretraining over the best baseline that was not named there."""
    named = results["chosen"][budget]["named"]
    others = {a["name"] for a in results["approaches"] if a["kind"] == "pretrained"} - {named}
    rows = [c for c in results["comparisons"] if c["budget"] == budget and c["a"] in others and detectable(c)]
    return max(rows, key=lambda c: c["difference"], default=None)


def _not_chosen(missed: dict[str, dict[str, Any]]) -> str:
    if not missed:
        return ""
    *others, last = missed
    row = missed[last]
    also = f", nor were gains at {_join([_short(b) for b in others])}" if others else ""
    return (
        f"; {row['a']} scored {points(row)} against {row['b']} at {_short(last)}, but was not chosen on the training "
        f"side{also}"
    )


def _gain(results: dict[str, Any], budget: str) -> dict[str, Any] | None:
    """The comparison of the approach named with the best baseline, where it is a detectable gain by pretraining."""
    named = results["chosen"][budget]["named"]
    row = next((c for c in results["comparisons"] if c["budget"] == budget and c["a"] == named), None)
    return row if row and detectable(row) else None


def _claim(results: dict[str, Any], budget: str, row: dict[str, Any], *, short: bool = False) -> str:
    if short:
        return f"{points(row)} at {_short(budget)}"
    return (
        f"{row['a']} adds {points(row)} over the best baseline ({row['b']}) at {_labels(results, row['a'], budget)}, "
        f"reaching {_score(results, row['a'], budget)}"
    )


def _versus(results: dict[str, Any], budget: str) -> str:
    named = results["chosen"][budget]["named"]
    row = next(c for c in results["comparisons"] if c["budget"] == budget and c["a"] == named)
    doubt = "" if row["p_holm"] < LEVEL else ", which chance may explain"
    return f"{points(row)} against {row['b']}{doubt}"


def _selection(results: dict[str, Any]) -> float | None:
    """The winner's selection at the largest number of labels; None where nothing could be held out anywhere."""
    scores = next(a["scores"] for a in results["approaches"] if a["name"] == results["winner"])
    return scores[list(results["chosen"])[-1]]["selection"]


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
