"""Recipe: the classical experiments, each in one command."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headstart.recipes.run import RecipeList, RecipeResult


def recipe(
    name: str = "",
    *,
    quick: bool = False,
    seed: int = 0,
    networks: int | None = None,
    faithful: bool = False,
    letters: Path | None = None,
    backbone: str | None = None,
    data_root: str | None = None,
    out: Path | None = None,
    resume: bool = False,
) -> "RecipeResult | RecipeList":
    """Run a classical experiment and show what it shows; without a name, list them.

    Args:
        name: A recipe's name.
        quick: The same effect at smaller size, within three minutes on two cores.
        seed: Seed of networks, views and draws.
        networks: training-trajectories: how many networks with, and how many without pretraining.
        faithful: fashion-to-mnist: frozen dropouts stay random, as in Keras; nothing can be cached then.
        letters: digits-to-letters: a folder or file of your own letters, read as `headstart data` reads it.
        backbone: cifar-features: timm:NAME@FILE, timm:NAME@hub or a bundle's folder; default: our own.
        data_root: Folder of downloaded data sets; default: the variable HEADSTART_DATA.
        out: Folder for the result; default: runs/NAME, or runs/NAME-quick.
        resume: Continue an interrupted run, or start a new one.
    """
    from headstart.recipes.run import list_recipes, run_recipe

    if not name:
        return list_recipes()
    return run_recipe(
        name, quick=quick, seed=seed, data_root=data_root, out=out, resume=resume, networks=networks,
        faithful=faithful, letters=letters, backbone=backbone,
    )  # fmt: skip
