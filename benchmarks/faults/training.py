"""Faults of the training loop, its recipe, freezing, checkpoints, random views, and teachers of layers."""

from faults.fault import Fault

LOOP = ("tests/training/test_loop.py",)
SET = ("tests/training/test_training_set.py",)
FREEZING = ("tests/training/test_freezing.py",)
LAYERWISE = ("tests/training/test_layerwise.py",)
MUON = ("tests/training/test_muon.py",)
TRANSFER = ("tests/reuse/test_transfer.py",)
FAULTS: list[Fault] = [
    Fault("the rate never falls", "training/loop.py", "_rate", "1 + math.cos(A)", "2", LOOP),
    Fault("the rate falls to half only", "training/loop.py", "_rate", "math.pi * A", "math.pi * A / 2", LOOP),
    Fault("there is no warm-up", "training/loop.py", "_rate", "if A < B:\n    return C", "", LOOP),
    Fault("the warm-up begins with a step of nothing", "training/loop.py", "_rate", "A + 1", "A", LOOP),
    Fault(
        "biases and norms decay too", "training/loop.py", "_optimiser", "D if P.ndim > 1 else 0.0", "D", LOOP
    ),
    Fault("nothing decays", "training/loop.py", "_optimiser", "D if P.ndim > 1 else 0.0", "0.0", LOOP),
    Fault("factors of the rate are ignored", "training/loop.py", "_Loop._one_step", "A * G['factor']", "A", LOOP),
    Fault(
        "a shorter beginning of a name decides over a longer one",
        "training/freezing.py", "rate_factor", "max(A, key=len)", "min(A, key=len)", FREEZING,
    ),
    Fault(
        "after_step is always told 0",
        "training/loop.py", "_Loop._one_step", "O.after_step(A)", "O.after_step(0.0)", LOOP,
    ),
    Fault(
        "after_step is told the share before the step",
        "training/loop.py", "_Loop._one_step", "O.after_step(A / B)", "O.after_step((A - 1) / B)", LOOP,
    ),
    Fault("after_step is never called", "training/loop.py", "_Loop._one_step", "O.after_step(A)", "", LOOP),
    Fault(
        "views are drawn by the place in the batch",
        "training/training_set.py", "TrainingSet.batch",
        "image_keys(I, seed=A, epoch=B, stream=C)", "image_keys(torch.arange(len(I)), seed=A, epoch=B, stream=C)", LOOP,
    ),
    Fault(
        "both views of an image are the same",
        "training/training_set.py", "TrainingSet.batch", "torch.cat(D)", "torch.cat([D[0]] * len(D))", LOOP,
    ),
    Fault(
        "views are the same in every epoch",
        "training/training_set.py", "TrainingSet.batch",
        "image_keys(I, seed=A, epoch=B, stream=C)", "image_keys(I, seed=A, epoch=0, stream=C)", LOOP,
    ),
    Fault(
        "views are the same for every seed",
        "training/training_set.py", "TrainingSet.batch",
        "image_keys(I, seed=A, epoch=B, stream=C)", "image_keys(I, seed=0, epoch=B, stream=C)", LOOP,
    ),
    Fault(
        "what a method draws itself goes with its first view",
        "training/training_set.py", "TrainingSet.batch",
        "image_keys(I, seed=A, epoch=B, stream=C)", "image_keys(I, seed=A, epoch=B, stream=max(C, 1))", LOOP,
    ),
    Fault(
        "views are never drawn",
        "training/training_set.py", "TrainingSet.batch", "self.views is not None and A", "False", LOOP,
    ),
    Fault(
        "the key of an image forgets the epoch",
        "views/random.py", "image_keys", "_base(A, B, C)", "_base(A, 0, C)", ("tests/views/test_random.py",),
    ),
    Fault(
        "the key of an image forgets which view it is",
        "views/random.py", "image_keys", "_base(A, B, C)", "_base(A, B, 0)", ("tests/views/test_random.py",),
    ),
    Fault(
        "labels are those of the neighbours in the batch",
        "training/training_set.py", "TrainingSet.batch",
        "_numbers(self.y, R, A, I)", "_numbers(self.y, np.roll(R, 1), A, I)", LOOP,
    ),
    Fault(
        "an image's place is that in this run and not in its data set",
        "training/training_set.py", "TrainingSet.batch", "R if self.index is None else B", "R", LOOP,
    ),
    Fault(
        "parts of a batch count as much as the whole",
        "training/loop.py", "_Loop._one_step", "torch.stack(A).sum() * S", "torch.stack(A).sum()", LOOP,
    ),
    Fault(
        "gradients of earlier steps are kept",
        "training/loop.py", "_Loop._one_step", "self.optimiser.zero_grad(set_to_none=True)", "", FREEZING,
    ),
    Fault(
        "averaged weights are never put in place", "training/loop.py", "_Loop._finish", "P.copy_(M)", "", LOOP
    ),
    Fault(
        "weights are averaged by one minus the decay",
        "training/loop.py", "_Loop._average", "1 - self.recipe.ema", "self.recipe.ema", LOOP,
    ),
    Fault(
        "the order of the images is the same in each epoch",
        "training/training_set.py", "TrainingSet.epoch_batches",
        "np.random.default_rng([A, B])", "np.random.default_rng([A, 0])", LOOP,
    ),
    Fault(
        "the order of the images is the same for each seed",
        "training/training_set.py", "TrainingSet.epoch_batches",
        "np.random.default_rng([A, B])", "np.random.default_rng([0, B])", LOOP,
    ),
    Fault(
        "an epoch leaves an image out",
        "training/training_set.py", "TrainingSet.epoch_batches",
        "np.array_split(A, B)", "np.array_split(A[1:], B)", LOOP,
    ),
    Fault(
        "a batch is of other rows than were dealt",
        "training/training_set.py", "TrainingSet.batch", "self.inputs.read(R)", "self.inputs.read(np.sort(R))", SET,
    ),
    Fault(
        "views see what the frozen trunk made",
        "training/training_set.py", "TrainingSet.batch",
        "self._through(self.views(A, B))", "self.views(self._through(A), B)", SET,
    ),
    Fault(
        "a set with missing labels has the first class",
        "training/training_set.py", "TrainingSet.batch",
        "_numbers(self.y, R, -1, I)", "_numbers(self.y, R, 0, I)", SET,
    ),
    Fault(
        "the mean of a set is that of its first part",
        "training/training_set.py", "channel_statistics", "A + S[:, 0]", "S[:, 0]", SET,
    ),
    Fault(
        "a picture is fitted twice",
        "data/inputs.py", "Pictures.read", "fit(A, W)", "fit(fit(A, self.shape[:2]), W)",
        ("tests/data/test_inputs.py",),
    ),
    Fault(
        "a subset reads the rows before it",
        "data/inputs.py", "Subset.read", "self.rows[R]", "R", ("tests/data/test_inputs.py",),
    ),
    Fault(
        "a network draws the same in each step",
        "training/loop.py", "_Loop._one_step", "self.recipe.seed * A + self.step", "self.recipe.seed * A", LOOP,
    ),
    Fault(
        "a network draws the same for each seed",
        "training/loop.py", "_Loop._one_step", "self.recipe.seed * A + self.step", "self.step", LOOP,
    ),
    Fault(
        "a network learns in inference mode", "training/loop.py", "_Loop.go", "self.freezing.train()", "", LOOP
    ),
    Fault(
        "a network is left in training mode", "training/loop.py", "_Loop._finish", "self.objective.eval()", "", LOOP
    ),
    Fault(
        "frozen parameters move", "training/freezing.py", "Freezing.held", "P.requires_grad_(False)", "", FREEZING
    ),
    Fault(
        "frozen batch-norm follows the batches", "training/freezing.py", "Freezing.train", "M.eval()", "", FREEZING
    ),
    Fault(
        "what was frozen stays so", "training/freezing.py", "Freezing.held", "P.requires_grad_(True)", "", FREEZING
    ),
    Fault(
        "a resumed run forgets the optimiser's state",
        "training/checkpoint.py", "load_checkpoint", "O.load_state_dict({**A, 'state': B})", "", FREEZING,
    ),
    Fault(
        "a resumed run forgets the averaged weights",
        "training/checkpoint.py", "load_checkpoint", "V.copy_(T[N])", "", LOOP,
    ),
    Fault(
        "a resumed run begins anew",
        "training/loop.py", "_Loop.restore", "A.step, A.total, A.seconds", "0, A.total, A.seconds", FREEZING,
    ),
    Fault(
        "a checkpoint of another recipe is taken",
        "training/checkpoint.py", "load_checkpoint", "A.recipe.differing(B)", "[]", LOOP,
    ),
    Fault(
        "SGD has no momentum",
        "training/loop.py", "_optimiser",
        "torch.optim.SGD(S, lr=A, momentum=B)", "torch.optim.SGD(S, lr=A, momentum=0.0)", FREEZING,
    ),
    Fault(
        "Muon steps by the gradient and not by its orthogonal part",
        "training/muon.py", "Muon.step", "orthogonalised(U)", "U", MUON,
    ),
    Fault(
        "Muon forgets earlier gradients", "training/muon.py", "Muon.step", "G.lerp(M, K)", "G", MUON
    ),
    Fault(
        "encoders that share the looks take them all each",
        "training/recipe.py", "Recipe.resolve", "A / runs / B", "A / B", LOOP,
    ),
    Fault(
        "each stage learns for all epochs", "training/layerwise.py", "pretrain_layerwise", "A // B", "A", LAYERWISE
    ),
    Fault(
        "the stages that a stage learns on top of follow its batches",
        "training/loop.py", "_Loop.__init__", "P.to(A).eval()", "P.to(A).train()", LAYERWISE,
    ),
    Fault(
        "fine-tuning changes the encoder that it was given",
        "reuse/transfer.py", "Transfer._network", "copy.deepcopy(encoder)", "encoder", TRANSFER,
    ),
    Fault(
        "lower stages learn faster than the head",
        "reuse/phases.py", "stage_rates", "F ** (-(K + 1))", "F ** (K + 1)", ("tests/reuse/test_phases.py",),
    ),
    Fault(
        "gradual unfreezing opens the first stage first",
        "reuse/phases.py", "_gradual", "closed.pop()", "closed.pop(0)", TRANSFER,
    ),
]  # fmt: skip
