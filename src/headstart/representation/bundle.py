"""The bundle: an encoder on disk with everything needed to use it, as safetensors, JSON and a page to read."""

import hashlib
import json
import os
from dataclasses import dataclass, field, fields
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError
from torch import Tensor

from headstart.codec import from_json, to_json
from headstart.data.dataset import Dataset
from headstart.data.images import as_images
from headstart.data.inputs import Images, Inputs
from headstart.data.pixels import Pixels
from headstart.encoders.build import EncoderSpec, build_encoder
from headstart.encoders.encoder import Encoder
from headstart.errors import UserError
from headstart.representation.card import Card, CardFile, LearnedFrom
from headstart.representation.frozen import represent
from headstart.training.checkpoint import read_tensors, write_tensors
from headstart.training.training_set import TrainingSet

FORMAT = 1
_PACKAGES = ("torch", "numpy", "scikit-learn")


@dataclass
class Bundle:
    """An encoder, how images are prepared for it, and perhaps a head.

    spec: the architecture. pixels: stored numbers to [0, 1]. card: how it was made, what it saw, its head, its scores.
    head_tensors: what ``reuse.heads.restore`` turns back into a classifier, or {}.
    """

    encoder: Encoder
    spec: EncoderSpec
    pixels: Pixels
    card: Card = field(default_factory=Card)
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
        head = f", with a {self.card.head.kind} head" if self.card.head else ""
        made_by = self.card.made_by
        return f"{self.folder or 'bundle'}: {self.spec.name} by {made_by}, {size} pixels to {self.dim} numbers{head}"

    def save(self, folder: str | Path) -> "Bundle":
        """Write model.safetensors, card.json and README.md; the card, written last, makes the bundle valid."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"encoder.{k}": v for k, v in self.encoder.state_dict().items()}
        tensors |= {f"head.{k}": v for k, v in self.head_tensors.items()}
        write_tensors(folder / "model.safetensors", tensors)
        versions = {p: metadata.version(p) for p in _PACKAGES} | {"headstart": _own_version()}
        file = CardFile(
            **vars(self.card), format=FORMAT, encoder=self.spec, preprocessing=self.pixels, dim=self.dim,
            versions=versions, sha256=_sha256(folder / "model.safetensors"),
        )  # fmt: skip
        plain = to_json(file)
        _write_text(folder / "README.md", _page(file))
        text = json.dumps({**plain, "card_sha256": _card_hash(plain)}, indent=2, ensure_ascii=False)
        _write_text(folder / "card.json", text + "\n")
        self.folder = folder
        return self


def load_bundle(folder: str | Path, *, device: str = "cpu") -> Bundle:
    """Load a bundle, in inference mode.

    Raises:
        UserError: no bundle there, one that was altered, or one of a later format.
    """
    folder = Path(folder)
    file = _read_card(folder)
    weights = folder / "model.safetensors"
    if not weights.is_file() or _sha256(weights) != file.sha256:
        raise UserError(
            f"{weights} is not the file that its card describes: the bundle was altered or cut short; make it again"
        )
    try:
        tensors = read_tensors(weights)
    except SafetensorError as error:
        raise UserError(f"{weights} cannot be read ({error}): make the bundle again") from None
    with torch.random.fork_rng(devices=[]):
        encoder = build_encoder(file.encoder)
    encoder.load_state_dict({k.removeprefix("encoder."): v for k, v in tensors.items() if k.startswith("encoder.")})
    head = {k.removeprefix("head."): v for k, v in tensors.items() if k.startswith("head.")}
    card = Card(**{field.name: getattr(file, field.name) for field in fields(Card)})
    return Bundle(encoder.to(device).eval(), file.encoder, file.preprocessing, card, head, folder)


def _read_card(folder: Path) -> CardFile:
    path = folder / "card.json"
    if not path.is_file():
        raise UserError(
            f"{folder} is not a bundle, as it has no card.json: `headstart pretrain` or `headstart study` makes one"
        )
    try:
        plain = json.loads(path.read_text("utf-8"))
        stated = plain.pop("card_sha256")
    except (ValueError, KeyError, AttributeError, TypeError):
        raise UserError(f"{path} is not a bundle's card: the bundle was altered or cut short; make it again") from None
    if stated != _card_hash(plain):
        raise UserError(f"{path} was altered after the bundle was made: make the bundle again")
    if isinstance(plain.get("format"), int) and plain["format"] > FORMAT:
        raise UserError(f"{path} has format {plain['format']}, this version reads up to {FORMAT}: upgrade headstart")
    try:
        return from_json(CardFile, plain, path.name)
    except UserError as error:
        raise UserError(f"{path} is not a bundle's card ({error}): make the bundle again") from None


def _card_hash(plain: object) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


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


def _page(file: CardFile) -> str:
    size = "×".join(str(s) for s in file.encoder.size)
    data = file.data or LearnedFrom("unknown", "", 0)
    lines = [
        f"# {file.made_by}, made by headstart",
        "",
        f"- architecture: {file.encoder.name}, {file.dim} numbers an image",
        f"- input: {file.encoder.channels} channel(s), {size} pixels",
        f"- {'approach' if file.method and file.method.approach else 'method'}: {file.made_by}; {file.history}",
        f"- data: {data.source}, {data.n} images, hash {data.hash[:12]}",
        f"- head: {file.head.kind if file.head else 'none'}",
        "",
        "Use it: `headstart embed FOLDER SOURCE --out z.parquet`"
        + (", `headstart predict FOLDER IMAGES…`" if file.head else ", `headstart probe FOLDER SOURCE --out NEW`")
        + ", or `headstart.load_bundle(FOLDER)`.",
    ]
    return "\n".join(lines) + "\n"
