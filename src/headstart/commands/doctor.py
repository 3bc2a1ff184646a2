"""Doctor: is a run any good?"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headstart.representation.doctor import Diagnosis


def doctor(run: Path) -> "Diagnosis":
    """Judge a pretraining's folder, finished or not, or those of a study; exits with 3 where it advises against a run.

    Args:
        run: The folder that `headstart pretrain` or `headstart study` wrote, or its .partial folder.
    """
    from headstart.representation.doctor import doctor

    return doctor(run)
