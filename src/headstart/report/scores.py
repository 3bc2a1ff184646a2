"""What the record says of each approach: where it stands, and the table that a person reads."""

from headstart.evaluation.statistics import Comparison
from headstart.report import words
from headstart.report.elements import Child, Html, join, table, tag
from headstart.study.approaches import Kind, parse_approach
from headstart.study.records import ApproachRecord, StudyRecord


def labels_a_class(record: StudyRecord, budget: str) -> float:
    """The budget's place on an axis of labels a class; for "all" the labels of a training fold over the classes."""
    if budget != "all":
        return float(budget)
    return max(a.scores["all"].n_labels for a in record.approaches if "all" in a.scores) / len(record.class_names)


def best(record: StudyRecord, kind: Kind, budget: str) -> ApproachRecord | None:
    """The approach of a kind that training-side selection prefers at a budget; the test scores choose nothing.

    Where nothing could be selected, the baseline is the one that the others are compared with.
    """
    bars = {c.b for c in record.comparisons if c.budget == budget}
    candidates = [a for a in record.approaches if a.kind == kind and budget in a.scores]
    return max(candidates, key=lambda a: (_selection(a, budget), a.name in bars), default=None)


def ranked(record: StudyRecord) -> list[ApproachRecord]:
    """Approaches, highest mean first at the largest budget that each has."""
    order = record.budgets[::-1]
    return sorted(record.approaches, key=lambda a: [_mean(a, b) for b in order], reverse=True)


def on_pixels(name: str) -> bool:
    """Whether the approach has no encoder: its representation is the pixels themselves."""
    return parse_approach(name).method == "pixels"


def score_table(record: StudyRecord) -> Html:
    """Every approach at every budget, with its difference to the best baseline there."""
    columns = record.budgets
    bars = {b: best(record, "baseline", b) for b in columns}
    rows: list[list[Child]] = [
        [
            _name(a, record.winner),
            a.saw,
            *(_cell(a, b, bars[b], record.comparison(a.name, b)) for b in columns),
            tag("td", words.duration(a.seconds), class_="number"),
        ]
        for a in ranked(record)
    ]
    head: list[Child] = ["Approach", "Saw", *(words.budget(b) for b in columns), "Time"]
    return table(head, rows, "Scores of every approach at every number of labels", class_="scores")


def _name(a: ApproachRecord, winner: str) -> Html:
    mark = tag("small", "named in the answer", class_="named") if a.name == winner else None
    method, plus, head = a.name.partition("+")
    # A long name may break after its plus sign and nowhere else.
    return join(tag("span", method, plus, Html("<wbr>"), head, class_=a.kind), mark)


def _cell(a: ApproachRecord, budget: str, bar: ApproachRecord | None, comparison: Comparison | None) -> Html:
    if budget not in a.scores:
        return tag("td", "–", class_="number")
    s = a.scores[budget]
    interval = tag("small", f"[{words.score(s.low)}, {words.score(s.high)}]")
    return tag("td", tag("b", words.score(s.mean)), interval, _gain(a is bar, comparison), class_="number")


def _gain(is_bar: bool, c: Comparison | None) -> Html:
    if is_bar:
        return tag("small", "best baseline", class_="bar")
    if c is None:
        return tag("small")
    direction = ("better" if c.difference > 0 else "worse") if c.certain else "unsure"
    text = f"{words.points(c.difference)} [{words.points(c.low)}, {words.points(c.high)}]"
    tested = None if c.p_holm is None else tag("small", words.p_value(c.p_holm))
    return join(tag("small", text, class_=direction), tested)


def _selection(a: ApproachRecord, budget: str) -> float:
    value = a.scores[budget].selection
    return float("-inf") if value is None else value


def _mean(a: ApproachRecord, budget: str) -> float:
    return a.scores[budget].mean if budget in a.scores else -1.0
