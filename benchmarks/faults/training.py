"""Faults of the training loop, its recipe, freezing, checkpoints, and of random views."""

from faults.fault import Fault

LOOP = "tests/training/test_loop.py"
FAULTS: list[Fault] = [
    Fault("the rate never falls", "training/loop.py", "_rate", "1 + math.cos(A)", "2", (LOOP,)),
]
