"""headstart: learn a representation from unlabelled data, reuse it with few labels.

The public names are loaded when first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headstart.data.dataset import Dataset
    from headstart.data.drawn_cells import make_cells
    from headstart.data.drawn_shapes import make_shapes
    from headstart.data.load import load
    from headstart.encoders.weights import load_weights, save_weights
    from headstart.objectives.learner import Learner
    from headstart.objectives.objective import Objective
    from headstart.recipes.run import run_recipe
    from headstart.report.run import run_study
    from headstart.representation.bundle import load_bundle
    from headstart.representation.doctor import doctor
    from headstart.representation.embed import embed
    from headstart.representation.pretrain import pretrain
    from headstart.reuse.inputs import adapt_input
    from headstart.reuse.probe import Probe
    from headstart.reuse.transfer import Transfer
    from headstart.reuse.transformer import PretrainedTransformer
    from headstart.study.records import Protocol
    from headstart.training.method import Method
    from headstart.training.recipe import Recipe
    from headstart.training.run import Run

__version__ = "0.1.0"

_HOME = {
    "load": "data.load",
    "Dataset": "data.dataset",
    "make_cells": "data.drawn_cells",
    "make_shapes": "data.drawn_shapes",
    "load_weights": "encoders.weights",
    "save_weights": "encoders.weights",
    "Objective": "objectives.objective",
    "Learner": "objectives.learner",
    "Method": "training.method",
    "Recipe": "training.recipe",
    "Run": "training.run",
    "load_bundle": "representation.bundle",
    "doctor": "representation.doctor",
    "embed": "representation.embed",
    "pretrain": "representation.pretrain",
    "Probe": "reuse.probe",
    "PretrainedTransformer": "reuse.transformer",
    "Transfer": "reuse.transfer",
    "adapt_input": "reuse.inputs",
    "Protocol": "study.records",
    "run_study": "report.run",
    "run_recipe": "recipes.run",
}

__all__ = [
    "Dataset",
    "Learner",
    "Method",
    "Objective",
    "PretrainedTransformer",
    "Probe",
    "Protocol",
    "Recipe",
    "Run",
    "Transfer",
    "adapt_input",
    "doctor",
    "embed",
    "load",
    "load_bundle",
    "load_weights",
    "make_cells",
    "make_shapes",
    "pretrain",
    "run_recipe",
    "run_study",
    "save_weights",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'headstart' has no attribute {name!r}")
    return getattr(import_module(f"headstart.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
