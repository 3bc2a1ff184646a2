"""Numbers and names as a person reads them."""

import math
import re
from collections.abc import Sequence

from headstart.data.inputs import Inputs
from headstart.training.clock import duration as duration

Number = float | int

_HEADS = {
    "probe": "linear classifier on its frozen vectors",
    "svm": "RBF-SVM on its frozen vectors",
    "knn": "nearest neighbours among its frozen vectors",
    "finetune": "then fine-tuned on the labels",
}
_PLAIN = {
    "majority": "always the most frequent class",
    "knn-pixels": "nearest neighbours on raw pixels",
    "linear-pixels": "logistic regression on raw pixels",
    "svm-pixels": "RBF-SVM on raw pixels",
    "pca-svm": "RBF-SVM on principal components of the pixels",
    "gaussian-process": "Gaussian process on pixels",
    "supervised": "the same network, trained from scratch on the labels alone",
}
_LEARNERS = {
    "untrained": "a network with random weights",
    "greedy": "layers trained without labels one after the other, each on the output of those before it",
}
_SAW = {
    "unlabelled": "the unlabelled images only",
    "training": "the unlabelled images and the training fold's",
    "all": "every image, test images too (without labels)",
    "none": "nothing before the labels",
}


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows of texts as a table without lines."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def score(value: Number) -> str:
    """A score in [0, 1] to three decimals; a dash when it is unknown."""
    return f"{value:.3f}" if math.isfinite(value) else "–"


def points(value: Number) -> str:
    """A difference of scores in points of a hundred, with a true minus sign: +4.8, −0.3, 0.0."""
    text = f"{100 * value:+.1f}".replace("-", "−")
    return "0.0" if text in ("+0.0", "−0.0") else text


def p_value(p: Number) -> str:
    """P = 0.03, p < 0.001, p > 0.99."""
    if p < 0.001:
        return "p < 0.001"
    return "p > 0.99" if p > 0.99 else f"p = {p:.2g}"


def percent(share: Number) -> str:
    """A share of one as a whole percentage."""
    return f"{100 * share:.0f} %"


def unbroken(text: str) -> str:
    """The text with its intervals, such as [1.2, 8.4], never broken across lines."""
    return re.sub(r"\[[^\]]*\]", lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text)


def metric(name: str) -> str:
    """balanced_accuracy becomes "balanced accuracy"."""
    return name.replace("_", " ")


def count(number: int, one: str, many: str | None = None) -> str:
    """1 image, 3,892 images."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def saw(key: str) -> str:
    """What an encoder saw, in words."""
    return _SAW.get(key, key)


def about(key: str) -> str:
    """What an interval is about beside new inputs: labels or encoders, or both."""
    return {"labels": "fresh labels", "encoders": "other seeds"}.get(key, "fresh labels and other seeds")


def budget(name: str) -> str:
    """A number of labels a class, as a column is headed."""
    return "all labels" if name == "all" else f"{name} a class"


def at_budget(name: str) -> str:
    """A number of labels a class, within a sentence."""
    return "at all labels" if name == "all" else f"at {count(int(name), 'label')} a class"


def approach(name: str, methods: dict[str, str]) -> str:
    """What an approach's name means, where it is known: a baseline's words, or a method's first line and its head."""
    if name in _PLAIN:
        return _PLAIN[name]
    method, _, head = name.partition("+")
    kind, _, encoder = method.partition(":")
    if kind == "supervised":
        return f"the network {encoder}, trained from scratch on the labels alone"
    if kind == "untrained" and encoder:
        return f"the network {encoder} with random weights; {_HEADS[head]}"
    idea = _LEARNERS.get(kind) or methods.get(method, "").partition(": ")[2]
    return "; ".join(part for part in (idea.rstrip("."), _HEADS.get(head, head)) if part)


def shape(inputs: Inputs) -> str:
    """40×40 pixels, 3 channels."""
    height, width, channels = inputs.shape
    return f"{height}×{width} pixels, {count(int(channels), 'channel')}"
