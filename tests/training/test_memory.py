"""Training keeps the memory that a step frees, and hands it back at its end."""

import platform
import resource

import pytest
import torch

from headstart.training.memory import kept_memory

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told what to keep")
SIZE = 200 << 20  # bytes, far above what glibc keeps by itself
PAGES = SIZE // resource.getpagesize()


def new_pages() -> int:
    """Pages that the system had to provide for one large block, written once and freed."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(SIZE // 4)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])


def test_a_block_that_was_freed_soon_needs_no_new_pages_within():
    without = min(new_pages() for _ in range(3))
    with kept_memory():  # the first blocks may be cut into by what else is allocated
        assert min(new_pages() for _ in range(5)) < without / 10


def test_afterwards_what_was_kept_is_handed_back():
    with kept_memory():
        new_pages()
        held = resident()
    assert resident() < held - 0.9 * PAGES
