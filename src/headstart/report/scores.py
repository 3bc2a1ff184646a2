"""What the results say of each approach: where it stands, and the table that a person reads."""

from typing import Any

from headstart.report import words
from headstart.report.elements import Child, Html, join, table, tag
from headstart.study.approaches import parse_approach

Results = dict[str, Any]
Approach = dict[str, Any]


def budgets(results: Results) -> list[str]:
    """All budgets that any approach has, ascending, "all" last."""
    names = {name for a in results["approaches"] for name in a["scores"]}
    return sorted(names, key=lambda name: float("inf") if name == "all" else int(name))


def labels_a_class(results: Results, budget: str) -> float:
    """The budget's place on an axis of labels a class; for "all" the labels of a training fold over the classes."""
    if budget != "all":
        return float(budget)
    n_labels = max(a["scores"]["all"]["n_labels"] for a in results["approaches"] if "all" in a["scores"])
    return n_labels / len(results["class_names"])


def find(results: Results, name: str) -> Approach | None:
    """The approach of that name."""
    return next((a for a in results["approaches"] if a["name"] == name), None)


def best(results: Results, kind: str, budget: str) -> Approach | None:
    """The approach of a kind that training-side selection prefers at a budget; the test scores choose nothing.

    Where nothing could be selected, the baseline is the one that the others are compared with.
    """
    bars = {c["b"] for c in results["comparisons"] if c["budget"] == budget}
    candidates = [a for a in results["approaches"] if a["kind"] == kind and budget in a["scores"]]
    return max(candidates, key=lambda a: (_selection(a, budget), a["name"] in bars), default=None)


def ranked(results: Results) -> list[Approach]:
    """Approaches, highest mean first at the largest budget that each has."""
    order = budgets(results)[::-1]
    return sorted(results["approaches"], key=lambda a: [_mean(a, b) for b in order], reverse=True)


def on_pixels(name: str) -> bool:
    """Whether the approach has no encoder: its representation is the pixels themselves."""
    return parse_approach(name).method == "pixels"


def score_table(results: Results) -> Html:
    """Every approach at every budget, with its difference to the best baseline there."""
    columns = budgets(results)
    bars = {b: best(results, "baseline", b) for b in columns}
    against = {(c["budget"], c["a"]): c for c in results["comparisons"]}
    rows: list[list[Child]] = [
        [
            _name(a, results["winner"]),
            a["saw"],
            *(_cell(a, b, bars[b], against.get((b, a["name"]))) for b in columns),
            tag("td", words.duration(a["seconds"]), class_="number"),
        ]
        for a in ranked(results)
    ]
    head: list[Child] = ["Approach", "Saw", *(words.budget(b) for b in columns), "Time"]
    return table(head, rows, "Scores of every approach at every number of labels", class_="scores")


def _name(a: Approach, winner: str) -> Html:
    mark = tag("small", "named in the answer", class_="named") if a["name"] == winner else None
    method, plus, head = a["name"].partition("+")
    # A long name may break after its plus sign and nowhere else.
    return join(tag("span", method, plus, Html("<wbr>"), head, class_=a["kind"]), mark)


def _cell(a: Approach, budget: str, bar: Approach | None, comparison: dict[str, Any] | None) -> Html:
    if budget not in a["scores"]:
        return tag("td", "–", class_="number")
    s = a["scores"][budget]
    interval = tag("small", f"[{words.score(s['low'])}, {words.score(s['high'])}]")
    return tag("td", tag("b", words.score(s["mean"])), interval, _gain(a is bar, comparison), class_="number")


def _gain(is_bar: bool, comparison: dict[str, Any] | None) -> Html:
    if is_bar:
        return tag("small", "best baseline", class_="bar")
    if comparison is None:
        return tag("small")
    c = comparison
    certain = c["p_holm"] is not None and c["p_holm"] < 0.05
    direction = ("better" if c["difference"] > 0 else "worse") if certain else "unsure"
    text = f"{words.points(c['difference'])} [{words.points(c['low'])}, {words.points(c['high'])}]"
    tested = None if c["p_holm"] is None else tag("small", words.p_value(c["p_holm"]))
    return join(tag("small", text, class_=direction), tested)


def _selection(a: Approach, budget: str) -> float:
    value = a["scores"][budget].get("selection")
    return float("-inf") if value is None or value != value else value


def _mean(a: Approach, budget: str) -> float:
    return a["scores"][budget]["mean"] if budget in a["scores"] else -1.0
