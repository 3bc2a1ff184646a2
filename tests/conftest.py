"""What every test gets: run-time checks of types and shapes, one thread, no display, and the real data where it is."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # workers share the cores; set before torch is imported
os.environ["MPLBACKEND"] = "agg"

import pytest
from jaxtyping import install_import_hook

install_import_hook("headstart", "beartype.beartype")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data, or the reason why the test cannot run."""
    given = os.environ.get("HEADSTART_DATA", "")
    if not given:
        pytest.skip("HEADSTART_DATA is not set: it names the folder of real data")
    folder = Path(given)
    if not folder.is_dir():
        pytest.skip(f"HEADSTART_DATA={given} is not a folder")
    return folder
