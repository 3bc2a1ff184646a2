"""Findings that look like a study's: real scores of quick classifiers on scikit-learn's digits."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from headstart.data.dataset import Dataset
from headstart.evaluation.statistics import Comparison, Score
from headstart.reuse.predict import Prediction
from headstart.study.curve import LearningCurve, Reading
from headstart.study.findings import Findings
from headstart.study.records import ApproachRecord, Chosen, StudyRecord, StudyRequest

BUDGETS = ("3", "5", "10", "all")
NAMED = "simclr+probe"
KIND_AND_SAW = {
    "supervised": ("baseline", "training"),
    "autoencoder+probe": ("pretrained", "unlabelled"),
    "denoising+probe": ("pretrained", "unlabelled"),
    "greedy+finetune": ("pretrained", "unlabelled"),
    "simclr+probe": ("pretrained", "unlabelled"),
    "simclr+finetune": ("pretrained", "unlabelled"),
}


def stand_ins() -> dict[str, BaseEstimator]:
    """A quick classifier in the place of each approach: the report only needs realistic scores."""
    logistic = LogisticRegression(C=0.1, max_iter=300, tol=1e-2)
    return {
        "majority": DummyClassifier(),
        "knn-pixels": KNeighborsClassifier(1),
        "linear-pixels": logistic,
        "svm-pixels": SVC(C=3),
        "pca-svm": make_pipeline(PCA(20), SVC(C=3)),
        "gaussian-process": RidgeClassifier(),
        "untrained+probe": GaussianNB(var_smoothing=0.1),
        "supervised": ExtraTreesClassifier(20, random_state=0),
        "autoencoder+probe": make_pipeline(PCA(8), logistic),
        "denoising+probe": make_pipeline(PCA(12), logistic),
        "greedy+finetune": make_pipeline(PCA(16), SVC(C=1)),
        "simclr+probe": make_pipeline(PCA(24), SVC(C=10, gamma=0.02)),
        "simclr+finetune": make_pipeline(PCA(24), KNeighborsClassifier(3)),
    }


def first_of_each_class(y: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([np.flatnonzero(y == k)[:count] for k in np.unique(y)])


def fold_scores(model: BaseEstimator, x: np.ndarray, y: np.ndarray, budget: str) -> tuple[list[float], int]:
    scores, n_labels = [], 0
    for train, test in StratifiedKFold(4, shuffle=True, random_state=0).split(x, y):
        chosen = train if budget == "all" else train[first_of_each_class(y[train], int(budget))]
        model.fit(x[chosen], y[chosen])  # pyright: ignore[reportAttributeAccessIssue]
        scores.append(float(balanced_accuracy_score(y[test], model.predict(x[test]))))  # pyright: ignore
        n_labels = len(chosen)
    return scores, n_labels


def interval(values: np.ndarray) -> tuple[float, float, float]:
    half = 3.18 * values.std(ddof=1) * np.sqrt(1 / len(values) + 1 / 3)
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def approach(name: str, x: np.ndarray, y: np.ndarray) -> ApproachRecord:
    kind, saw = KIND_AND_SAW.get(name, ("baseline", "none"))
    scores = {}
    for budget in BUDGETS:
        folds, n_labels = fold_scores(stand_ins()[name], x, y, budget)
        mean, low, high = interval(np.array(folds))
        selection = mean + (0.03 if name == "simclr+probe" else 0.0)
        about = "models" if budget == "all" else "labels"
        scores[budget] = Score(mean, low, high, about, selection, tuple(folds), n_labels)
    return ApproachRecord(name, kind, saw, scores, 0.3 + 7.7 * len(name))


def comparisons(approaches: list[ApproachRecord]) -> tuple[Comparison, ...]:
    rows = []
    for budget in BUDGETS:
        best = max((a for a in approaches if a.kind == "baseline"), key=lambda a: a.scores[budget].selection)
        for a in approaches:
            if a is not best:
                mean, low, high = interval(np.subtract(a.scores[budget].folds, best.scores[budget].folds))
                p = 0.003 if low > 0 or high < 0 else 0.4
                role = "baseline" if a.kind == "baseline" else "named" if a.name == NAMED else "other"
                p_holm = None if role == "baseline" else min(1.0, p * 4)
                about = best.scores[budget].about
                rows.append(Comparison(budget, a.name, best.name, mean, low, high, p, p_holm, role, about))
    return tuple(rows)


def extrapolation() -> LearningCurve:
    n = np.geomspace(30, 450, 25)
    mean = 1 - 0.9 * n**-0.5
    low, high = mean - 0.01 - n / 20000, mean + 0.01 + n / 40000
    return LearningCurve(
        n=tuple(n.tolist()), mean=tuple(mean.tolist()), low=tuple(low.tolist()), high=tuple(high.tolist()),
        observed_n=(30, 50, 100, 225), observed_mean=(0.83, 0.875, 0.905, 0.943), n_all=225,
        doubled=Reading(0.958, 0.926, 0.979), gain=Reading(0.018, 0.004, 0.031),
    )  # fmt: skip


def log(count: int, start: float) -> list[dict[str, float]]:
    steps = np.arange(count)
    loss = start * (0.3 + 0.7 * np.exp(-steps / 30)) + 0.02 * np.sin(steps)
    rows = zip(steps, loss, strict=True)
    return [{"step": float(s), "epoch": s / 10, "seconds": s * 0.2, "loss": float(v)} for s, v in rows]


def make_findings(request: StudyRequest, count: int = 1797) -> Findings:
    """The first digits, 300 of them labelled."""
    x, y = (values[:count] for values in load_digits(return_X_y=True))
    images = (x.reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    labels = np.where(np.arange(len(y)) < 300, y, -1).astype(np.int64)
    names = tuple(f"digit {k}" for k in range(10))
    dataset = Dataset(images, labels, tuple(f"digits/{i}" for i in range(len(y))), names, "digits")
    approaches = [approach(name, x[:300] / 16, y[:300]) for name in stand_ins()]
    model = make_pipeline(PCA(24), SVC(C=10, gamma=0.02))
    margins = np.asarray(cross_val_predict(model, x[:300] / 16, y[:300], cv=4, method="decision_function"))
    odds = np.exp(2 * (margins - margins.max(1, keepdims=True)))
    guess = model.fit(x[:300] / 16, y[:300]).predict(x[300:] / 16)
    confidence = np.sort(np.random.default_rng(0).beta(8, 1, len(guess)))
    rows = [
        Prediction(f"digits/{i + 300}", int(k), names[k], float(c))
        for i, (k, c) in enumerate(zip(guess, confidence, strict=True))
    ]
    record = StudyRecord(
        answer="simclr+probe adds +1.6 points [0.1, 3.1] over the best baseline (svm-pixels) at 10 labels a class, "
        "and nothing detectable at all 300 labels.",
        source="digits", data_hash="3f5a" * 16, n_labelled=300, n_unlabelled=count - 300, class_names=names, seed=0,
        metric="balanced_accuracy", split_hash="9b1c" * 16, folds=4, repeats=1, saw="unlabelled", encoders=1,
        views="digits", winner=NAMED, approaches=tuple(approaches), comparisons=comparisons(approaches),
        chosen=dict.fromkeys(BUDGETS, Chosen(NAMED, "knn-pixels")), request=request, left_out=(),
    )  # fmt: skip
    sheet = np.stack([np.roll(images[:5] / 255.0, shift, axis=2) for shift in (0, 1, -1, 2, 0, 1, -2, 1)], axis=1)
    return Findings(
        record=record,
        dataset=dataset,
        protocol=[
            "The 300 labelled images were split into 4 folds, stratified by class, the same for every approach.",
            "Encoders saw the unlabelled images only.",
            "Hyperparameters of heads were chosen by inner cross-validation on training labels.",
            "The approach named in the answer has the highest training-side selection score.",
            "Differences are paired by image; intervals are 95 %, for these models on new images.",
        ],
        views_reason="8×8 pixels, one channel, dark background: strokes whose orientation matters",
        cautions=["Crops below 60 % of the area can make a 7 look like a 1."],
        view_sheet=sheet,
        probabilities=odds / odds.sum(1, keepdims=True),
        predictions=rows,
        vectors=PCA(24).fit_transform(x / 16).astype(np.float32),
        reconstructions=(images[:12] / 255.0, np.clip(images[:12] / 255.0 * 0.9 + 0.03, 0, 1)),
        curves={"simclr": log(120, 4.8), "autoencoder": log(90, 0.25), "denoising": log(90, 0.3)},
        learning_curve=extrapolation(),
        versions={"headstart": "0.1.0", "torch": "2.15.0", "numpy": "2.4.6", "scikit-learn": "1.9.1"},
        command="headstart study digits --folds 4 --repeats 1 --seed 0",
        seconds=157.0,
    )


@pytest.fixture(scope="session")
def _studied(study_request: StudyRequest) -> Findings:
    return make_findings(study_request, 360)


@pytest.fixture
def findings(_studied: Findings) -> Findings:
    """What a study found."""
    return _studied
