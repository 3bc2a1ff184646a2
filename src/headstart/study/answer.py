"""The answer: one sentence on which approach is best, at how many labels, by how much, and how certainly."""

from collections.abc import Mapping

from headstart.evaluation.statistics import Comparison
from headstart.study.records import StudyRecord

Gains = Mapping[str, Comparison]


def compose(record: StudyRecord, *, beats_guessing: bool) -> str:
    """The sentence, from all that the record says but its ``answer``.

    beats_guessing: whether the winner is detectably better than always naming one class.
    """
    budgets = list(record.chosen)
    gains = {b: row for b in budgets if (row := _named(record, b)) and row.is_gain}
    missed = {b: row for b in budgets if b not in gains and (row := _missed(record, b))}
    if record.score(record.winner, budgets[-1]).selection is None:  # nothing could be held out anywhere
        text = _by_convention(record, beats_guessing) + (
            "" if missed else ", and no pretrained approach is detectably better"
        )
    elif not beats_guessing:
        earlier = {b: row for b, row in gains.items() if b != budgets[-1]}
        text = _guessing(record, nothing=not missed and not earlier)
        text += f"; {_gained(record, earlier, [])}" if earlier else ""
    elif gains:
        text = _gained(record, gains, [b for b in budgets if b not in gains and b not in missed])
    else:
        text = _nothing(record, "The approach named" if missed else "Pretraining")
    return text + _not_chosen(missed) + "."


def _guessing(record: StudyRecord, *, nothing: bool) -> str:
    winner, last = record.winner, record.last_budget
    return (
        f"{'Nothing: at' if nothing else 'At'} {_labels(record, winner, last)}, the approach named, {winner}, is not "
        f"detectably better than guessing, with {_score(record, winner, last)}"
    )


def _by_convention(record: StudyRecord, beats_guessing: bool) -> str:
    winner, last = record.winner, record.last_budget
    return (
        f"At {_labels(record, winner, last)} nothing can be held out to choose by: {winner}, named by convention, "
        f"reaches {_score(record, winner, last)}{'' if beats_guessing else ', not detectably better than guessing'}"
    )


def _nothing(record: StudyRecord, what: str) -> str:
    winner, last = record.winner, record.last_budget
    labels = _labels(record, winner, last)
    where = "at any number of labels" if len(record.chosen) > 1 else f"at {labels}"
    row = _named(record, last)
    doubt = "" if row is None or row.certain else ", which chance may explain"
    return (
        f"{what} adds nothing detectable over the best baseline {where}; at {labels} {winner} is named, with "
        f"{_score(record, winner, last)}" + (f" ({row.points} against {row.b}{doubt})" if row else "")
    )


def _gained(record: StudyRecord, gains: Gains, nothing: list[str]) -> str:
    chosen, lead = record.chosen, list(gains)[-1]
    text = _claim(record, gains[lead])
    others = [b for b in gains if b != lead]
    if others:
        text += "; " + "; ".join(_claim(record, gains[b], short=chosen[b] == chosen[lead]) for b in others)
    if nothing:
        text += f", and nothing detectable at {_join([_short(b) for b in nothing])}"
    return text


def _named(record: StudyRecord, budget: str) -> Comparison | None:
    """The approach named against the best baseline; None where it is that baseline."""
    return record.comparison(record.chosen[budget].named, budget)


def _missed(record: StudyRecord, budget: str) -> Comparison | None:
    """The largest detectable gain by pretraining over the best baseline that was not named there."""
    named = record.chosen[budget].named
    others = {a.name for a in record.approaches if a.kind == "pretrained"} - {named}
    rows = [c for c in record.comparisons if c.budget == budget and c.a in others and c.is_gain]
    return max(rows, key=lambda c: c.difference, default=None)


def _not_chosen(missed: Gains) -> str:
    if not missed:
        return ""
    *others, last = missed
    row = missed[last]
    also = f", nor were gains at {_join([_short(b) for b in others])}" if others else ""
    return (
        f"; {row.a} scored {row.points} against {row.b} at {_short(last)}, but was not chosen on the training "
        f"side{also}"
    )


def _claim(record: StudyRecord, row: Comparison, *, short: bool = False) -> str:
    if short:
        return f"{row.points} at {_short(row.budget)}"
    return (
        f"{row.a} adds {row.points} over the best baseline ({row.b}) at {_labels(record, row.a, row.budget)}, "
        f"reaching {_score(record, row.a, row.budget)}"
    )


def _score(record: StudyRecord, name: str, budget: str) -> str:
    s = record.score(name, budget)
    return f"{s.mean:.3f} [{s.low:.3f}, {s.high:.3f}] {record.metric.replace('_', ' ')}"


def _labels(record: StudyRecord, name: str, budget: str) -> str:
    if budget != "all":
        return f"{budget} label{'s' if budget != '1' else ''} a class"
    return f"all {record.score(name, budget).n_labels} training labels"


def _short(budget: str) -> str:
    return "all labels" if budget == "all" else f"{budget} a class"


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
