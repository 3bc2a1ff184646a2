"""Memory that one step frees is kept for the next, instead of being handed back and taken anew, page by page."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h: free memory at the end of the heap; blocks outside the heap
_NEVER = -1
_LARGEST = (1 << 30, 32 << 20)  # bytes; C libraries before 2.35 take no more than the second


@contextmanager
def kept_memory() -> Iterator[None]:
    """Within, glibc keeps what is freed; afterwards it hands back what is free. Other C libraries are left alone.

    A network's activations are freed and allocated in every step. By glibc's own rule those above some tens of
    megabytes in all go back to the system each time, and every page that comes anew is filled with zeros first, which
    took a quarter of a step (benchmarks/RESULTS.md).
    """
    try:
        library = ctypes.CDLL(None)
        mallopt, trim = library.mallopt, library.malloc_trim
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        yield
        return
    for size in _LARGEST:
        if mallopt(_MMAP_THRESHOLD, size):
            break
    mallopt(_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        mallopt(_MMAP_THRESHOLD, _LARGEST[1])  # where glibc's own rule ends once a large block was freed
        mallopt(_TRIM_THRESHOLD, 2 * _LARGEST[1])
        trim(0)
