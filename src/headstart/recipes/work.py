"""What a recipe works with: its data, a place where finished parts are kept, and a voice that says how far it is."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.dataset import Dataset
from headstart.data.load import load
from headstart.report.drawing import svg
from headstart.report.elements import Html, figure
from headstart.report.pictures import UNIT, sheet, sheet_picture
from headstart.training.checkpoint import read_tensors, write_tensors

if TYPE_CHECKING:
    from torch import nn

    from headstart.encoders.build import EncoderSpec
    from headstart.encoders.encoder import Encoder
    from headstart.training.recipe import Recipe
    from headstart.training.training_set import TrainingSet

Range = tuple[float, float]
Ranges = Mapping[str, Range]
Part = dict[str, np.ndarray]


@dataclass(frozen=True)
class Found:
    """What a recipe found: numbers by name, a sentence on what they say, and its report's sections in order.

    expected: the ranges instead of the recipe's, where an option leaves some of them without a meaning.
    """

    metrics: dict[str, float]
    says: str
    sections: list[Html]
    expected: Ranges | None = None


@dataclass
class Work:
    """One run of a recipe in a folder. What was finished before a kill is read, not computed again.

    quick: a smaller experiment, of three minutes at most. progress: called with the share done, in [0, 1], and words.
    """

    folder: Path
    quick: bool
    seed: int
    data_root: str | None = None
    progress: Callable[[float, str], None] = lambda done, now: None
    hashes: dict[str, str] = field(default_factory=dict)
    done: float = 0.0
    _began: float = field(default_factory=time.monotonic)

    def load(self, source: Any) -> Dataset:
        """A data set by name or path; its content's hash becomes part of the result's ``data_hash``."""
        dataset = load(source, data_root=self.data_root, seed=self.seed)
        self.hashes[str(source)] = dataset.content_hash
        return dataset

    @property
    def data_hash(self) -> str:
        """SHA-256 over the hashes of every data set that was loaded."""
        return hashlib.sha256(json.dumps(sorted(self.hashes.values())).encode()).hexdigest()

    def say(self, now: str, share: float | None = None) -> None:
        """What is being done, and, where it is known, the share of everything that is done."""
        self.done = self.done if share is None else share
        self.progress(self.done, now)

    def part(self, name: str, make: Callable[[], Mapping[str, Any]]) -> Part:
        """Named numbers and arrays, computed once: a second call, also after a kill, reads them."""
        path = self._place("parts", f"{name}.npz")
        if not path.is_file():
            made = {key: np.asarray(value) for key, value in make().items()}
            waiting = path.with_name(path.name + ".new")
            with waiting.open("wb") as file:
                np.savez(file, allow_pickle=False, **made)
            os.replace(waiting, path)
            self._keep_time()
        with np.load(path, allow_pickle=False) as kept:
            return {key: kept[key] for key in kept.files}

    def finished(self, name: str) -> bool:
        """Whether the part of that name is there to be read."""
        return self._place("parts", f"{name}.npz").is_file()

    def network(self, name: str, network: "nn.Module", teach: Callable[[Path], object]) -> "nn.Module":
        """The network, taught once in place: a second call reads its weights. It is left in inference mode.

        teach: called with a folder for the loop's log and checkpoint; it is to resume from there.
        """
        path = self._place("parts", f"{name}.safetensors")
        if not path.is_file():
            teach(path.with_suffix(""))
            write_tensors(path, network.state_dict())
            self._keep_time()
        network.load_state_dict(read_tensors(path))
        return network.eval()

    def encoder(
        self, name: str, method: str, data: "TrainingSet", *, spec: "EncoderSpec", recipe: "Recipe",
        progress: "Callable[[float], None] | None" = None,
    ) -> "Encoder":  # fmt: skip
        """An encoder pretrained by a method, once; its weights start from the recipe's seed."""
        from headstart.training.fit import fit_encoder, untrained_encoder
        from headstart.training.method import Method
        from headstart.training.run import Run

        encoder = untrained_encoder(spec, seed=recipe.seed)

        def teach(folder: Path) -> None:
            run = Run(folder, resume=True, progress=progress)
            fitted = fit_encoder(Method(method), data, spec=spec, recipe=recipe, run=run)
            encoder.load_state_dict(fitted.encoder.state_dict())

        self.network(name, encoder, teach)
        return encoder

    def chart(self, name: str, drawn: Any, alt: str, caption: str | None = None) -> Html:
        """A matplotlib figure for the report, kept as pictures/NAME.png too, fit for a slide."""
        drawn.savefig(self._place("pictures", f"{name}.png"), dpi=200, facecolor="white")
        return figure(svg(drawn, name, alt), caption)

    def images(self, name: str, rows: np.ndarray, alt: str, caption: str | None = None, *, side: int = 56) -> Html:
        """(rows, columns, h, w, c) in [0, 1] as a contact sheet for the report, kept as pictures/NAME.png too."""
        from PIL import Image

        enlarged = rows.repeat(4, axis=2).repeat(4, axis=3)
        canvas = Image.fromarray(sheet(UNIT.rgb(enlarged), gap=8))
        paper = Image.new("RGB", canvas.size, "white")
        paper.paste(canvas, mask=canvas.getchannel("A"))
        paper.save(self._place("pictures", f"{name}.png"))
        return figure(sheet_picture(rows, alt, side=side), caption)

    @property
    def seconds(self) -> float:
        """Wall time so far, that of killed runs up to their last finished part included."""
        return self._earlier + time.monotonic() - self._began

    def __post_init__(self) -> None:
        kept = self.folder / "parts" / "seconds.json"
        self._earlier = float(json.loads(kept.read_text("utf-8"))) if kept.is_file() else 0.0

    def _keep_time(self) -> None:
        path = self._place("parts", "seconds.json")
        waiting = path.with_name(path.name + ".new")
        waiting.write_text(json.dumps(round(self.seconds, 3)), "utf-8")
        os.replace(waiting, path)

    def _place(self, folder: str, file: str) -> Path:
        path = self.folder / folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
