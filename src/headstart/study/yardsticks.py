"""Yardsticks: untrained and supervised networks have the architectures of the methods that they are set against."""

from collections.abc import Iterable

from headstart.study.approaches import Approach, is_untrained, parse_approach
from headstart.training.method import Method


def architecture(method: str, approaches: Iterable[Approach], asked: str | None) -> str:
    """The encoder of a method in a study of these approaches, where the user asked for an encoder or for none.

    A method's: the one asked for, or its own. An untrained network's: as its name says, or the main one.
    """
    if not is_untrained(method):
        own = Method(method)
        return own.default_encoder() if own.is_learner else asked or own.default_encoder()
    return method.partition(":")[2] or main_architecture(approaches, asked)


def main_architecture(approaches: Iterable[Approach], asked: str | None) -> str:
    """The encoder that ``untrained+probe`` and ``supervised`` have.

    The one asked for; or else small, where a pretrained approach has it or none is pretrained; or the first one's.
    """
    found = [architecture(a.method, (), asked) for a in approaches if a.kind == "pretrained"]
    return asked or ("small" if "small" in found or not found else found[0])


def with_yardsticks(approaches: list[Approach], asked: str | None) -> list[Approach]:
    """The approaches, with a yardstick for each architecture in place of each plain one.

    ``untrained+HEAD`` becomes one for every architecture among the pretrained approaches; ``supervised`` one for every
    architecture among the fine-tuned, or among the pretrained where none is fine-tuned. The main architecture keeps the
    plain name, others are named (``untrained:patches+probe``).
    """
    main = main_architecture(approaches, asked)
    pretrained = [a for a in approaches if a.kind == "pretrained"]
    tuned = [a for a in pretrained if a.is_network] or pretrained
    found: dict[str, Approach] = {}
    for a in approaches:
        against = [] if a.method != "untrained" else tuned if a.is_network else pretrained
        encoders = dict.fromkeys(architecture(other.method, (), asked) for other in against)
        names = [_named(a.name, e, main) for e in sorted(encoders, key=lambda e: e != main)]
        for name in names or [a.name]:
            found.setdefault(name, parse_approach(name))
    return list(found.values())


def _named(name: str, encoder: str, main: str) -> str:
    """``untrained+probe`` with an encoder becomes ``untrained:ENCODER+probe``, unless that is the main one."""
    method, plus, head = name.partition("+")
    return name if encoder == main else f"{method}:{encoder}{plus}{head}"
