"""Faults of protocol."""

from faults.fault import Fault

FAULTS: list[Fault] = []
