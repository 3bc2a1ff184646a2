"""Faults of objectives."""

from faults.fault import Fault

FAULTS: list[Fault] = []
