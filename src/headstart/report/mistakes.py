"""Where the winner is wrong, how it is wrong, and where it does not know."""

from collections.abc import Sequence

import numpy as np

from headstart.evaluation.statistics import expected_calibration_error
from headstart.report import charts, words
from headstart.report.elements import Child, Html, figure, join, prose, section, table, tag
from headstart.report.pictures import Display, gallery
from headstart.study.findings import Findings

MOST_CLASSES = 25
SHOWN = 12


def judged(findings: Findings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The labelled images that were ever in a test fold: their indices, true classes and (m, k) probabilities."""
    known = np.isfinite(findings.probabilities).all(axis=1)
    rows = findings.dataset.labelled[known]
    return rows, findings.dataset.labels[rows], findings.probabilities[known].astype(np.float64)


def confusion(findings: Findings) -> Html:
    """What each class is taken for, with the recall of each class."""
    _, y, probabilities = judged(findings)
    names, k = findings.record.class_names, probabilities.shape[1]
    counts = np.zeros((k, k), int)
    np.add.at(counts, (y, probabilities.argmax(1)), 1)
    body = matrix(counts, names) if k <= MOST_CLASSES else _frequent(counts, names)
    how = (
        f"{words.count(len(y), 'labelled image')}, each judged only by classifiers that never saw its label. Their "
        "average over repeats is a little better than any one of them, whose scores stand above. "
        "Shade and percentage are shares of the true class; recall has a 95 % interval (Wilson)."
    )
    return section(
        "confusion", "What is taken for what", prose(_overall(findings, counts)), body, tag("p", how, class_="note")
    )


def wrong(findings: Findings) -> Html:
    """The most confident mistakes."""
    rows, y, probabilities = judged(findings)
    guess, confidence = probabilities.argmax(1), probabilities.max(1)
    mistakes = np.flatnonzero(guess != y)
    if not len(mistakes):
        return section("wrong", "Confidently wrong", prose("The winner made no mistake on the labelled images."))
    first = mistakes[np.argsort(-confidence[mistakes], kind="stable")][:SHOWN]
    names, data = findings.record.class_names, findings.dataset
    captions = [_caption(data.ids[int(rows[i])], names[guess[i]], confidence[i], names[y[i]]) for i in first]
    intro = (
        f"The winner is wrong on {len(mistakes):,} of {words.count(len(y), 'labelled image')}. These are the mistakes "
        "it was surest of: a wrong label, an image between two classes, or something that the representation misses."
    )
    images = gallery(data.inputs.read(np.asarray(rows[first])), Display.of(data.inputs), captions)
    return section("wrong", "Confidently wrong", prose(intro), images)


def unsure(findings: Findings) -> Html:
    """The unlabelled images that the winner knows least about, which are worth labelling first."""
    rows = findings.predictions[:SHOWN]
    if not rows:
        return Html()
    data = findings.dataset
    place = {name: i for i, name in enumerate(data.ids)}
    captions = [_caption(r.id, r.class_name, r.confidence) for r in rows]
    shown = data.inputs.read(np.array([place[r.id] for r in rows], np.int64))
    images = gallery(shown, Display.of(data.inputs), captions)
    intro = (
        f"Of {words.count(len(findings.predictions), 'unlabelled image')} these are the ones whose class the winner is "
        "least sure of. A label on images like these usually teaches most. All are in predictions.csv, in this order."
    )
    return section("unsure", "Least sure of", prose(intro), images)


def calibration(findings: Findings) -> Html:
    """Whether a confidence of 80 % is right 80 % of the time."""
    _, y, probabilities = judged(findings)
    if len(y) < 30:
        return Html()
    right, confidence = probabilities.argmax(1) == y, probabilities.max(1)
    gap = confidence.mean() - right.mean()
    kind = (
        "about as sure as it is right" if abs(gap) < 0.02 else f"{'surer' if gap > 0 else 'less sure'} than it is right"
    )
    intro = (
        f"On average the winner is {kind}: its mean confidence is {words.percent(confidence.mean())}, and "
        f"{words.percent(right.mean())} of its predictions are right. Points on the diagonal are well calibrated; the "
        f"expected calibration error is {expected_calibration_error(probabilities, y):.3f}."
    )
    chart = figure(
        charts.reliability(confidence, right), "Predictions in bins of equal count; lines are 95 % intervals."
    )
    return section("calibration", "Can its confidence be believed?", prose(intro), chart)


def _overall(findings: Findings, counts: np.ndarray) -> str:
    share = words.percent(np.trace(counts) / counts.sum())
    total = f"The winner, {findings.record.winner}, puts {share} of images in their class."
    if not findings.record.request.protocol.ordered_classes:
        return total
    kappa = f"{quadratic_kappa(counts):.3f}"
    return f"{total} The classes are ordered: quadratic kappa is {kappa} (1 is perfect, 0 is chance)."


def quadratic_kappa(counts: np.ndarray) -> float:
    """Cohen's kappa with quadratic weights of a (k, k) table of counts. Cohen, Psychological Bulletin 1968."""
    k = len(counts)
    weights = np.subtract.outer(np.arange(k), np.arange(k)) ** 2
    chance = np.outer(counts.sum(1), counts.sum(0)) / counts.sum()
    expected = (weights * chance).sum()
    return 1.0 - float((weights * counts).sum() / expected) if expected else float("nan")


def matrix(counts: np.ndarray, names: Sequence[str]) -> Html:
    """(k, k) counts as a table: true classes in rows, predicted ones in columns, and the recall of each."""
    head: list[Child] = ["true class", *names, "recall", "images"]
    rows = [_class_row(name, row, i) for i, (name, row) in enumerate(zip(names, counts, strict=True))]
    caption = "Confusion matrix: true classes in rows, predicted classes in columns"
    return table(head, rows, caption, class_="confusion many" if len(names) > 10 else "confusion")


def _class_row(name: str, row: np.ndarray, own: int) -> list[Child]:
    total = int(row.sum())
    shares = row / max(1, total)
    cells = [_shaded(int(n), share, j == own) for j, (n, share) in enumerate(zip(row, shares, strict=True))]
    return [name, *cells, _recall(int(row[own]), total), tag("td", f"{total:,}", class_="number")]


def _shaded(count: int, share: float, own: bool) -> Html:
    kind = f"{'right' if own else 'amiss'}{' strong' if share > 0.55 else ''}"
    small = tag("small", words.percent(share)) if count else None
    return tag("td", str(count) if count else "·", small, class_=kind, style=f"--share:{100 * share:.0f}%")


def _recall(hits: int, total: int) -> Html:
    if not total:
        return tag("td", "–", class_="number")
    low, high = charts.wilson(hits, total)
    bar = tag("span", class_="meter", style=f"--share:{100 * hits / total:.0f}%")
    interval = tag("small", f"[{words.score(low)}, {words.score(high)}]")
    return tag("td", bar, tag("b", words.score(hits / total)), interval, class_="number")


def _frequent(counts: np.ndarray, names: Sequence[str]) -> Html:
    """With very many classes: the most frequent confusions, and the recall of each class."""
    off = counts - np.diag(np.diag(counts))
    pairs = [divmod(int(i), len(names)) for i in np.argsort(-off, axis=None)[:20]]
    rows: list[list[Child]] = [[names[i], names[j], str(off[i, j])] for i, j in pairs if off[i, j]]
    recalls: list[list[Child]] = [
        [name, _recall(int(counts[i, i]), int(counts[i].sum()))] for i, name in enumerate(names)
    ]
    most = table(["true class", "taken for", "images"], rows, "The most frequent confusions")
    each = table(["class", "recall"], recalls, "Recall of every class")
    return join(most, tag("details", tag("summary", "Recall of every class"), each))


def _caption(name: str, guess: str, confidence: float, truth: str | None = None) -> tuple[str, Html]:
    labelled = tag("span", f"{truth} → ", class_="truth") if truth is not None else None
    alt = f"{name}: predicted {guess}" + (f", labelled {truth}" if truth is not None else "")
    return alt, join(labelled, tag("b", guess), tag("small", words.percent(confidence)), tag("code", name))
