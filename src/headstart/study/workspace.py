"""What every task of a study reads, and where each one writes: the plan and the data in OUT.partial."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from headstart.codec import from_json, to_json
from headstart.data.inputs import Subset, mapped
from headstart.encoders.build import EncoderSpec
from headstart.evaluation.budgets import Budget
from headstart.evaluation.splits import Split
from headstart.study.approaches import parse_approach
from headstart.study.records import StudyPlan
from headstart.study.yardsticks import architecture
from headstart.training.fit import encoder_spec
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS
from headstart.views.views import Views


@dataclass(frozen=True)
class Task:
    """One piece of work whose result is one file. split, budget: where it belongs to one. encoder: which of several.

    kind: encode (train an encoder and embed every image), score (heads of an approach on one split),
    train (a network of an approach on one split at one budget).
    """

    kind: Literal["encode", "score", "train"]
    name: str
    split: int | None = None
    budget: str | None = None
    encoder: int = 0

    @property
    def threads(self) -> int:
        """Two for an encoder that all splits share, beside which there may be nothing to do; otherwise one.

        Fixed, since the order in which threads add up decides the last bits.
        """
        return 2 if self.kind == "encode" and self.split in (None, REFIT) else 1

    @property
    def path(self) -> str:
        """The result's file, below OUT.partial."""
        place = [self.name.replace(":", "-"), *(str(p) for p in (self.split, self.budget) if p is not None)]
        place += [f"encoder{self.encoder}"] if self.encoder else []
        return f"{self.kind}/{'.'.join(place)}/done.safetensors"


class Workspace:
    """The plan (plan.json) and the arrays of a study, as its tasks read them, in any process."""

    def __init__(self, folder: Path, plan: StudyPlan) -> None:
        self.folder, self.plan = folder, plan

    @classmethod
    def open(cls, folder: Path) -> "Workspace":
        """The workspace whose plan was written there."""
        return cls(folder, from_json(StudyPlan, json.loads((folder / "plan.json").read_text("utf-8"))))

    def keep_plan(self) -> None:
        """Write the plan, atomically; its presence says that the arrays are there too."""
        waiting = self.folder / "plan.json.new"
        waiting.write_text(json.dumps(to_json(self.plan), indent=1), "utf-8")
        os.replace(waiting, self.folder / "plan.json")

    @cached_property
    def images(self) -> TrainingSet:
        """Every image with the views: as stored, in the encoders' size, mapped from the file that all tasks share."""
        return TrainingSet.prepared_by(self.plan.pixels, mapped(self.folder / "inputs.npy"), views=self.views)

    def seen(self, rows: np.ndarray) -> TrainingSet:
        """What an encoder that may see these rows learns from."""
        return self.images.replace(inputs=Subset(self.images.inputs, rows), index=rows)

    @cached_property
    def labels(self) -> np.ndarray:
        """(n,) -1 where missing."""
        return np.load(self.folder / "labels.npy")

    @cached_property
    def labelled(self) -> np.ndarray:
        """Rows with a label; splits count in these."""
        return np.flatnonzero(self.labels >= 0)

    @cached_property
    def y(self) -> np.ndarray:
        """Labels of the labelled rows."""
        return self.labels[self.labelled]

    @cached_property
    def twins(self) -> np.ndarray:
        """(n,) equal numbers are exact duplicates."""
        return np.load(self.folder / "twins.npy")

    @cached_property
    def bound(self) -> np.ndarray:
        """(n,) equal numbers belong together: exact duplicates and, where the source has any, groups."""
        path = self.folder / "bound.npy"
        return np.load(path) if path.is_file() else self.twins

    @cached_property
    def groups(self) -> np.ndarray | None:
        """Groups of the labelled rows, duplicates merged, or None."""
        path = self.folder / "groups.npy"
        return np.load(path) if path.is_file() else None

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits, the same for every approach."""
        return self.plan.splits

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """Labels a class, and "all"."""
        return self.plan.budgets

    @property
    def views(self) -> Views:
        """The random views."""
        return PRESETS[self.plan.views]

    def spec(self, name: str, data: TrainingSet) -> EncoderSpec:
        """The named encoder for these images."""
        return encoder_spec(name, data, symmetric=self.views.symmetric)

    def encoder_name(self, method: str) -> str:
        """A method's encoder, or that of an untrained network."""
        return architecture(method, map(parse_approach, self.plan.approaches), self.plan.encoder)

    @property
    def runs(self) -> int:
        """How many encoders share a method's looks: one a split where they may see the training fold."""
        return len(self.plan.splits) if self.plan.saw == "training" else 1

    def encoders(self, method: str) -> int:
        """How many encoders of a method, from other seeds, are put to every split; pixels have one representation."""
        return 1 if method == "pixels" else self.plan.encoders

    def seed(self, encoder: int) -> int:
        """The seed of an encoder, and of what is trained from it; the first one's is the study's."""
        first = self.plan.seed
        return int(np.random.SeedSequence([first, encoder]).generate_state(1)[0]) if encoder else first

    def encode_task(self, method: str, split: int | None, encoder: int = 0) -> Task:
        """The task that makes an encoder which an approach of this method uses on a split."""
        return Task("encode", method, split if self.plan.saw == "training" else None, encoder=encoder)

    def inputs(self, split: int | None) -> np.ndarray:
        """Rows that an encoder may see.

        With a split: unlabelled inputs and the training fold's, nothing of a test image's group nor its twin. Without:
        the unlabelled inputs that are no labelled image's twin, or every input where the study says so.
        """
        if self.plan.saw == "all" or split == REFIT:
            return np.arange(len(self.labels))
        unlabelled = np.flatnonzero(self.labels < 0)
        if split is None:
            return unlabelled[~np.isin(self.twins[unlabelled], self.twins[self.labelled])]
        train, test = (self.labelled[side] for side in (self.splits[split].train, self.splits[split].test))
        return np.concatenate([unlabelled[~np.isin(self.bound[unlabelled], self.bound[test])], train])


REFIT = -1
