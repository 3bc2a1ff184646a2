"""The winner, refitted on all labels: a bundle to use, and its calibrated predictions."""

from dataclasses import replace

import numpy as np
import torch

from headstart.data.pixels import Pixels
from headstart.encoders.build import EncoderSpec, build_encoder
from headstart.evaluation.statistics import apply_temperature, temperature_scale
from headstart.representation.bundle import Bundle
from headstart.representation.card import Card, HeadCard, LearnedFrom, MethodCard
from headstart.representation.frozen import represent
from headstart.reuse.heads import Head, LinearHead, StoredHead, store
from headstart.study.approaches import Approach, parse_approach
from headstart.study.assemble import Outcome
from headstart.study.records import StudyRecord
from headstart.study.tasks import EncodeFacts, execute, fit_network, network_recipe, read_encoder, vectors
from headstart.study.workspace import REFIT, Workspace
from headstart.training.checkpoint import read_facts
from headstart.training.method import Method
from headstart.training.threads import threads


class Winner:
    """The approach that a study named, fitted on every label.

    bundle: encoder or pixels, and head. vectors: (n, d) of every image. probabilities: (m, k) out of fold and
    calibrated, NaN for a labelled image that was in no test fold. predicted: (n, k), calibrated, for every image.
    """

    def __init__(self, space: Workspace, record: StudyRecord, pixels: Pixels) -> None:
        approach = parse_approach(record.winner)
        raw = _out_of_fold(space, approach, record.last_budget)
        tested = np.isfinite(raw).all(1)
        self.temperature = temperature_scale(raw[tested], space.y[tested])
        self.probabilities = np.full_like(raw, np.nan)
        self.probabilities[tested] = apply_temperature(raw[tested], self.temperature)
        with threads(1):
            self.bundle, self.vectors, head = _refit(space, record, pixels, self.temperature)
            self.predicted = apply_temperature(head.predict_proba(self.vectors), self.temperature)


def _card(space: Workspace, record: StudyRecord, approach: Approach, head: HeadCard) -> Card:
    """What the bundle's card says beside its spec."""
    named = record.approach(record.winner)
    return Card(
        _method(space, record, approach),
        # An encoder that saw the training folds' inputs sees every input when it is refitted.
        "all" if named.saw == "training" else named.saw,
        LearnedFrom(record.source, record.data_hash, len(space.labels)), head, measured=named.scores,
    )  # fmt: skip


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
    space: Workspace, record: StudyRecord, pixels: Pixels, temperature: float
) -> tuple[Bundle, np.ndarray, Head | LinearHead]:
    approach, everything, device = parse_approach(record.winner), np.arange(len(space.y)), space.plan.device
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
        stored = StoredHead(HeadCard("finetune", space.plan.class_names, temperature), tensors)
    else:
        h = vectors(space, approach, REFIT)
        rows = h[space.labelled]
        head = Head(approach.head, seed=space.plan.seed, metric=space.plan.metric).fit(rows, space.y, space.groups)
        stored = store(head, rows, space.y, class_names=space.plan.class_names, temperature=temperature)
    card = _card(space, record, approach, stored.card)
    return Bundle(encoder.cpu().float(), spec, pixels, card, stored.tensors), h, head


def _method(space: Workspace, record: StudyRecord, approach: Approach) -> MethodCard:
    """How the winner was trained, beside its head's own settings."""
    tuned = network_recipe(space, len(space.y), REFIT) if approach.is_network else None
    card = MethodCard(approach.method, approach.name, views=record.views, finetuning=tuned, seed=space.plan.seed)
    if approach.kind != "pretrained":
        return card
    made = read_facts(space.folder / space.encode_task(approach.method, REFIT).path, EncodeFacts)
    own = Method(approach.method).plain
    return replace(card, hyperparameters=own, recipe=made.recipe, steps=made.steps)


def _affine(head: LinearHead) -> dict[str, torch.Tensor]:
    return {"weight": torch.from_numpy(head.weight), "bias": torch.from_numpy(head.bias)}
