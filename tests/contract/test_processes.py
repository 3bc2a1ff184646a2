"""Two processes equal one, for every method: in each gradient of a step, and in the losses of a run."""

import socket

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from headstart.errors import UserError
from headstart.objectives.catalogue import methods
from headstart.objectives.objective import Batch
from headstart.training import loop
from headstart.training.fit import encoder_spec, untrained_encoder
from headstart.training.freezing import Freezing
from headstart.training.loop import train
from headstart.training.method import Method
from headstart.training.penalties import contraction, decorrelation, penalise
from headstart.training.processes import Processes
from headstart.training.recipe import Recipe
from headstart.training.run import Run
from headstart.training.training_set import TrainingSet
from headstart.views.presets import PRESETS
from headstart.views.random import image_keys

X = torch.rand(22, 1, 16, 16, generator=torch.Generator().manual_seed(0))
Y = torch.arange(22) % 3
DROPPING = ("simclr", "byol", "supervised")  # two views as one batch, a teacher, none
RECIPE = Recipe(epochs=2, batch_size=11, learning_rate=1e-3, seed=4, precision="float64")


def size_of_weights(layer, x, y):
    """A penalty that no row has a part in."""
    return sum(p.abs().sum() for p in layer.parameters())


def one_an_image(layer, x, y):
    """A penalty of the output that gives a number an image."""
    return y.flatten(1).square().mean(1)


def objective_of(name, *, dropout=0.0):
    method = Method(name)
    encoder = untrained_encoder(encoder_spec(method.default_encoder(), TrainingSet.of(X)), seed=1)
    if dropout:  # of a map and of the last one
        for stage in (encoder.stages[1], encoder.stages[-1]):
            stage.append(torch.nn.Dropout(dropout))
    made = method.make(encoder, shape=(1, 16, 16), classes=3, seed=2)
    for penalty, weight in ((decorrelation, 0.1), (size_of_weights, 0.01), (contraction, 0.1), (one_an_image, 0.1)):
        penalise(made, last_layer(made), penalty, weight=weight)
    return made


def losses(name, **more):
    recipe = RECIPE.replace(**{k: more.pop(k) for k in ("precision", "optimiser") if k in more})
    made = objective_of(name, dropout=more.pop("dropout", 0.0))
    data = TrainingSet.of(X, Y, views=PRESETS["microscopy"])
    return [row["loss"] for row in train(made, data, recipe=recipe, run=Run(**more))]


def gradients(name):
    """Every parameter's, of the first eleven images as one batch, as the loop computes it."""
    made, processes, index = objective_of(name).double().train(), Processes(), np.arange(11)
    processes.connect(made, Freezing(made, ()))
    rows = torch.from_numpy(processes.share(index))
    keys = image_keys(rows, seed=0, epoch=0)
    x = X[rows].double()
    views = tuple(PRESETS["microscopy"](x, keys + view) for view in range(made.n_views))
    torch.manual_seed(3)
    sum(made(Batch(views, x, Y[rows], torch.zeros_like(rows), rows, keys)).values()).backward()
    learning = [p for p in made.parameters() if p.requires_grad]
    processes.add_gradients(learning)
    return [torch.zeros_like(p) if p.grad is None else p.grad for p in learning]


def last_layer(objective):
    """The last layer of the encoder that has weights: a penalty is put on it, which must see all rows too."""
    return [f"encoder.{n}" for n, m in objective.encoder.named_modules() if list(m.parameters(recurse=False))][-1]


def one_of_two(rank, port, names, folder, found):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    for name in names:
        found[f"{name}.{rank}"] = losses(name)
        found[f"{name}.gradients.{rank}"] = gradients(name)
        found[f"{name}.float32.{rank}"] = losses(name, precision="float32")[0]
        dist.barrier()
    found[f"bf16.{rank}"] = losses("simclr", precision="bf16")
    for name in DROPPING:
        found[f"dropout.{name}.{rank}"] = losses(name, dropout=0.3)
    found[f"muon.{rank}"] = losses("simclr", optimiser="muon")
    found[f"other dropout.{rank}"] = refused(torch.nn.Dropout2d(0.5))
    found[f"other norm.{rank}"] = refused(torch.nn.SyncBatchNorm(4))
    found[f"resumed.{rank}"] = losses("moco", folder=folder / "one", resume=True)
    loop.CHECKPOINT_SECONDS = 0.0
    with pytest.raises(StopError):
        losses("moco", folder=folder / "two", progress=stop_half_way)
    dist.destroy_process_group()


def refused(layer):
    made = objective_of("simclr")
    made.projector.append(layer)
    try:
        Processes().connect(made, Freezing(made, ()))
    except UserError as error:
        return str(error)


class StopError(Exception):
    """Ends a run after its third step."""


def stop_half_way(done):
    if done > 0.7:
        raise StopError


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Each method's losses, as two processes found them, and those of a run that one process began.

    In the folder is also one that two processes began.
    """
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
        with pytest.raises(StopError):
            losses("moco", folder=folder / "one", progress=stop_half_way)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = mp.Manager().dict()
    mp.spawn(one_of_two, (port, sorted(methods()), folder, found), nprocs=2)
    return dict(found) | {"folder": folder}


@pytest.mark.parametrize("name", sorted(methods()))
def test_two_processes_give_the_losses_of_one(two, name):
    assert two[f"{name}.0"] == two[f"{name}.1"]
    assert two[f"{name}.0"] == pytest.approx(losses(name), rel=1e-6)


@pytest.mark.parametrize("name", sorted(methods()))
def test_two_processes_give_the_gradients_of_one(two, name):
    alone = gradients(name)
    largest = max(float(g.abs().max()) for g in alone)
    assert largest > 0
    for shared in (two[f"{name}.gradients.0"], two[f"{name}.gradients.1"]):
        assert max(float((a - b).abs().max()) for a, b in zip(alone, shared, strict=True)) < 1e-9 * largest


@pytest.mark.parametrize("name", sorted(methods()))
def test_in_float32_the_first_step_agrees(two, name):
    assert two[f"{name}.float32.0"] == pytest.approx(losses(name, precision="float32")[0], rel=1e-4)


def test_half_precision_trains_in_several_processes(two):
    assert two["bf16.0"] == two["bf16.1"]
    assert two["bf16.0"] == pytest.approx(losses("simclr", precision="bf16"), rel=0.1)


@pytest.mark.parametrize("name", DROPPING)
def test_what_is_dropped_does_not_depend_on_the_number_of_processes(two, name):
    alone = losses(name, dropout=0.3)
    assert two[f"dropout.{name}.0"] == two[f"dropout.{name}.1"] == pytest.approx(alone, rel=1e-6)
    assert alone != pytest.approx(losses(name), rel=1e-3)


def test_two_processes_step_by_muon_as_one(two):
    assert two["muon.0"] == pytest.approx(losses("simclr", optimiser="muon"), rel=1e-6)


@pytest.mark.parametrize(("layer", "said"), [("other dropout", "Dropout2d"), ("other norm", "SyncBatchNorm")])
def test_what_several_processes_cannot_do_alike_is_refused(two, layer, said):
    assert said in two[f"{layer}.0"]


def test_two_processes_go_on_where_one_stopped(two):
    assert two["resumed.0"] == pytest.approx(losses("moco"), rel=1e-6)


def test_one_process_goes_on_where_two_stopped(two):
    begun = two["folder"] / "two"
    assert any(begun.iterdir())
    assert losses("moco", folder=begun, resume=True) == pytest.approx(losses("moco"), rel=1e-6)
