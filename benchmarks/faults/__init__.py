"""Faults to plant, one at a time, and the tests that should notice each (``benchmarks/mutants.py``)."""
