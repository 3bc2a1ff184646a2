"""The bundle: an encoder on disk with everything needed to use it, as safetensors, JSON and a page to read."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError
from torch import Tensor

from headstart.data.dataset import Dataset
from headstart.data.images import as_images
from headstart.data.inputs import Images, Inputs
from headstart.data.pixels import Pixels
from headstart.encoders.build import EncoderSpec, build_encoder
from headstart.encoders.encoder import Encoder
from headstart.errors import UserError
from headstart.objectives.catalogue import method_class, methods
from headstart.representation.frozen import represent
from headstart.training.checkpoint import read_tensors, write_tensors
from headstart.training.training_set import TrainingSet

FORMAT = 1
_PACKAGES = ("torch", "numpy", "scikit-learn")
_SAW = {
    "all": "saw all inputs, without labels",
    "unlabelled": "saw the unlabelled inputs only",
    "training": "saw the unlabelled and the training inputs, without labels",
    "none": "is as it was initialised: it learned from no image",
}


@dataclass
class Bundle:
    """An encoder, how images are prepared for it, and perhaps a head.

    spec: the architecture. pixels: stored numbers to [0, 1]. facts: method, recipe, data, saw, measured.
    head, head_tensors: what ``reuse.heads.restore`` turns back into a classifier, or None and {}.
    """

    encoder: Encoder
    spec: EncoderSpec
    pixels: Pixels
    facts: dict[str, Any] = field(default_factory=dict)
    head: dict[str, Any] | None = None
    head_tensors: dict[str, Tensor] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def dim(self) -> int:
        """Width of h."""
        return self.encoder.dim

    def represent(self, x: Float[Tensor, "n c h w"], *, device: str = "cpu") -> Float[np.ndarray, "n d"]:
        """h of prepared images, by ``frozen.represent``."""
        return represent(self.encoder, x, symmetric=self.spec.symmetric, device=device)

    def embed(self, given: Dataset | Inputs | np.ndarray, *, device: str = "cpu") -> Float[np.ndarray, "n d"]:
        """h of images as they are stored, one or many: each from its own numbers, whatever lies beside it.

        given: a data set, inputs, or an array (h, w), (h, w, c), (n, h, w) or (n, h, w, c).

        Raises:
            UserError: images of another kind than the encoder was made for (``Pixels.check``).
        """
        return represent(self.encoder, self.prepared(given), symmetric=self.spec.symmetric, device=device)

    def prepared(self, given: Dataset | Inputs | np.ndarray) -> TrainingSet:
        """Stored images as the encoder will see them, read and prepared a few at a time."""
        if isinstance(given, np.ndarray):
            alone = given.ndim == 2 or (given.ndim == 3 and given.shape[2] == self.pixels.channels)
            given = Images(as_images(given[None] if alone else given))
        inputs = given.inputs if isinstance(given, Dataset) else given
        self.pixels.check(inputs)
        return TrainingSet.prepared_by(self.pixels, inputs)

    def __str__(self) -> str:
        size = "×".join(str(s) for s in self.spec.size)
        head = f", with a {self.head['kind']} head" if self.head else ""
        method = _approach(self.facts)
        return f"{self.folder or 'bundle'}: {self.spec.name} by {method}, {size} pixels to {self.dim} numbers{head}"

    def save(self, folder: Path) -> "Bundle":
        """Write model.safetensors, card.json and README.md; the card, written last, makes the bundle valid."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"encoder.{k}": v for k, v in self.encoder.state_dict().items()}
        tensors |= {f"head.{k}": v for k, v in self.head_tensors.items()}
        write_tensors(folder / "model.safetensors", tensors, {})
        card = self.card(_sha256(folder / "model.safetensors"))
        _write_text(folder / "README.md", _page(card))
        _write_text(folder / "card.json", json.dumps(card, indent=2, ensure_ascii=False) + "\n")
        self.folder = folder
        return self

    def card(self, weights: str) -> dict[str, Any]:
        """The content of card.json; ``sha256`` is that of the weights, ``card_sha256`` of the rest of the card."""
        versions = {p: metadata.version(p) for p in _PACKAGES} | {"headstart": _own_version()}
        card = {
            "format": FORMAT,
            "encoder": self.spec.card(),
            "preprocessing": self.pixels.to_json(),
            "dim": self.dim,
            "head": self.head,
            **self.facts,
            "versions": versions,
            "sha256": weights,
        }
        return {**card, "card_sha256": _card_hash(card)}


def learned_from_labels(facts: dict[str, Any]) -> bool:
    """Whether the encoder's weights, and not only a head, were trained with labels, by what its card says."""
    name = str(facts.get("method", {}).get("name", ""))
    learner = name.removeprefix("greedy:")
    taught = learner in methods() and method_class(learner).supervised
    return taught or _approach(facts).startswith("supervised") or _approach(facts).endswith("+finetune")


def history(facts: dict[str, Any]) -> str:
    """What the encoder saw, as a clause: "the encoder saw all inputs, without labels"."""
    method, saw = facts.get("method", {}).get("name"), _SAW.get(facts.get("saw", ""))
    if method == "pixels":
        return "the encoder passes the pixels on: it was not trained"
    if saw and _approach(facts).endswith("+finetune"):
        return f"the encoder {saw}, and was then fine-tuned with labels"
    if learned_from_labels(facts):
        return "the encoder was trained with labels"
    return f"the encoder {saw}" if saw else "what the encoder saw is not known"


def _approach(facts: dict[str, Any]) -> str:
    """How it was made, by the name that a user knows: a study's approach, or a method."""
    method = facts.get("method", {})
    return method.get("approach") or method.get("name", "no method")


def load_bundle(folder: str | Path, *, device: str = "cpu") -> Bundle:
    """Load a bundle, in inference mode.

    Raises:
        UserError: no bundle there, one that was altered, or one of a later format.
    """
    folder = Path(folder)
    card = _read_card(folder)
    weights = folder / "model.safetensors"
    if not weights.is_file() or _sha256(weights) != card["sha256"]:
        raise UserError(
            f"{weights} is not the file that its card describes: the bundle was altered or cut short; make it again"
        )
    try:
        tensors, _ = read_tensors(weights)
    except SafetensorError as error:
        raise UserError(f"{weights} cannot be read ({error}): make the bundle again") from None
    spec = EncoderSpec.from_card(card["encoder"])
    with torch.random.fork_rng(devices=[]):
        encoder = build_encoder(spec)
    encoder.load_state_dict({k.removeprefix("encoder."): v for k, v in tensors.items() if k.startswith("encoder.")})
    head = {k.removeprefix("head."): v for k, v in tensors.items() if k.startswith("head.")}
    written = {"format", "encoder", "preprocessing", "dim", "head", "versions", "sha256", "card_sha256"}
    facts = {k: v for k, v in card.items() if k not in written}
    pixels = Pixels.from_json(card["preprocessing"])
    return Bundle(encoder.to(device).eval(), spec, pixels, facts, card["head"], head, folder)


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / "card.json"
    if not path.is_file():
        raise UserError(
            f"{folder} is not a bundle, as it has no card.json: `headstart pretrain` or `headstart study` makes one"
        )
    try:
        card = json.loads(path.read_text("utf-8"))
        stated = card.pop("card_sha256")
    except (ValueError, KeyError, AttributeError, TypeError):
        raise UserError(f"{path} is not a bundle's card: the bundle was altered or cut short; make it again") from None
    if stated != _card_hash(card):
        raise UserError(f"{path} was altered after the bundle was made: make the bundle again")
    if card["format"] > FORMAT:
        raise UserError(f"{path} has format {card['format']}, this version reads up to {FORMAT}: upgrade headstart")
    return card


def _card_hash(card: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(card, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _own_version() -> str:
    import headstart

    return headstart.__version__


def _write_text(path: Path, text: str) -> None:
    waiting = path.with_name(path.name + ".new")
    waiting.write_text(text, "utf-8")
    os.replace(waiting, path)


def _page(card: dict[str, Any]) -> str:
    size = "×".join(str(s) for s in card["encoder"]["size"])
    data = card.get("data", {})
    lines = [
        f"# {_approach(card)}, made by headstart",
        "",
        f"- architecture: {card['encoder']['name']}, {card['dim']} numbers an image",
        f"- input: {card['encoder']['channels']} channel(s), {size} pixels",
        f"- {'approach' if 'approach' in card.get('method', {}) else 'method'}: {_approach(card)}; {history(card)}",
        f"- data: {data.get('source', 'unknown')}, {data.get('n', 0)} images, hash {str(data.get('hash', ''))[:12]}",
        f"- head: {card['head']['kind'] if card['head'] else 'none'}",
        "",
        "Use it: `headstart embed FOLDER SOURCE --out z.parquet`"
        + (", `headstart predict FOLDER IMAGES…`" if card["head"] else ", `headstart probe FOLDER SOURCE --out NEW`")
        + ", or `headstart.load_bundle(FOLDER)`.",
    ]
    return "\n".join(lines) + "\n"
