"""The winner, refitted on all labels: a bundle to use, and its calibrated predictions."""

from typing import Any

import numpy as np
import torch

from headstart.data.dataset import Dataset
from headstart.data.pixels import Pixels
from headstart.encoders.build import EncoderSpec, build_encoder
from headstart.evaluation.statistics import apply_temperature, temperature_scale
from headstart.representation.bundle import Bundle
from headstart.representation.frozen import represent
from headstart.reuse.heads import Head, LinearHead, StoredHead, store
from headstart.study.approaches import Approach, parse_approach
from headstart.study.assemble import Outcome
from headstart.study.tasks import execute, fit_network, network_recipe, read_encoder, vectors
from headstart.study.workspace import REFIT, Workspace
from headstart.training.checkpoint import read_tensors
from headstart.training.method import Method
from headstart.training.threads import threads


class Winner:
    """An approach fitted on every label.

    bundle: encoder or pixels, and head. vectors: (n, d) of every image. probabilities: (m, k) out of fold and
    calibrated, NaN for a labelled image that was in no test fold. predicted: (n, k), calibrated, for every image.
    """

    def __init__(self, space: Workspace, name: str, budget: str, pixels: Pixels, facts: dict[str, Any]) -> None:
        approach = parse_approach(name)
        raw = _out_of_fold(space, approach, budget)
        tested = np.isfinite(raw).all(1)
        self.temperature = temperature_scale(raw[tested], space.y[tested])
        self.probabilities = np.full_like(raw, np.nan)
        self.probabilities[tested] = apply_temperature(raw[tested], self.temperature)
        with threads(1):
            self.bundle, self.vectors, head = _refit(space, approach, pixels, facts, self.temperature)
            self.predicted = apply_temperature(head.predict_proba(self.vectors), self.temperature)


def _out_of_fold(space: Workspace, approach: Approach, budget: str) -> np.ndarray:
    """(m, k) mean over all models of the probabilities that a labelled image got when it was tested."""
    total = np.zeros((len(space.y), len(np.unique(space.y))))
    times = np.zeros(len(space.y))
    for split, p in zip(space.splits, Outcome(space, approach).probabilities[budget], strict=True):
        total[split.test] += p.mean((0, 1))
        times[split.test] += 1
    with np.errstate(invalid="ignore"):  # an image that was never tested becomes NaN, as it should
        return total / times[:, None]


def _refit(
    space: Workspace, approach: Approach, pixels: Pixels, facts: dict[str, Any], temperature: float
) -> tuple[Bundle, np.ndarray, Head | LinearHead]:
    everything, device = np.arange(len(space.y)), space.plan["device"]
    if approach.method == "pixels":
        spec = EncoderSpec("pixels", pixels.channels, pixels.size, (0.0,) * pixels.channels, (1.0,) * pixels.channels)
        encoder = build_encoder(spec)
    else:
        task = space.encode_task(approach.method, REFIT)
        execute(task, space)
        encoder, spec = read_encoder(space, task)
    if approach.is_network:
        network = fit_network(space, encoder, everything)
        encoder, head = network.encoder_, LinearHead.of(network.head_)
        h = represent(encoder, space.images, symmetric=spec.symmetric, device=device)
        tensors = {"classes": torch.from_numpy(network.classes_), **_affine(head)}
        stored = StoredHead({"kind": "finetune", "temperature": temperature}, tensors)
    else:
        h = vectors(space, approach, REFIT)
        rows = h[space.labelled]
        head = Head(approach.head, seed=space.plan["seed"], metric=space.plan["metric"]).fit(
            rows, space.y, space.groups
        )
        stored = store(head, rows, space.y, temperature=temperature)
    named = {**stored.facts, "class_names": space.plan["class_names"]}
    facts = {**facts, "method": {**facts["method"], **_settings(space, approach)}}
    return Bundle(encoder.cpu().float(), spec, pixels, facts, named, stored.tensors), h, head


def _settings(space: Workspace, approach: Approach) -> dict[str, Any]:
    """What the card says of how the winner was trained, beside its head's own settings."""
    settings: dict[str, Any] = {"seed": space.plan["seed"]}
    if approach.kind == "pretrained":
        _, made = read_tensors(space.folder / space.encode_task(approach.method, REFIT).path)
        settings["hyperparameters"] = dict(Method(approach.method).hyperparameters)
        settings |= {key: made[key] for key in ("recipe", "steps")}
    if approach.is_network:
        settings["finetuning"] = network_recipe(space, len(space.y), REFIT).card()
    return settings


def _affine(head: LinearHead) -> dict[str, torch.Tensor]:
    return {"weight": torch.from_numpy(head.weight), "bias": torch.from_numpy(head.bias)}


def predictions(dataset: Dataset, predicted: np.ndarray) -> list[dict[str, Any]]:
    """One row an unlabelled image: id, label, class_name, confidence; least certain first."""
    rows = []
    for i in dataset.unlabelled:
        label = int(predicted[i].argmax())
        confidence = round(float(predicted[i, label]), 6)
        rows.append(
            {"id": dataset.ids[i], "label": label, "class_name": dataset.class_names[label], "confidence": confidence}
        )
    return sorted(rows, key=lambda row: row["confidence"])
