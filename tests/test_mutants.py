"""The faults that tests should notice apply to the code as it is, and the harness tells noticed from survived."""

from collections import Counter
from pathlib import Path

import pytest

import mutants
from faults.fault import Fault, StaleError, plant

ROOT = Path(__file__).parents[1]

FAULTS = mutants.every_fault()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_every_fault_still_applies_and_compiles_and_its_tests_are_there(fault):
    source = (ROOT / "src" / "headstart" / fault.file).read_text("utf-8")
    compile(plant(fault, source), fault.file, "exec")
    for test in fault.tests:
        file, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}" in (ROOT / file).read_text("utf-8")


def test_there_are_at_least_sixty_different_faults_and_at_most_three_that_no_test_can_notice():
    assert len(FAULTS) >= 60
    assert [what for what, times in Counter(fault.what for fault in FAULTS).items() if times > 1] == []
    assert sum(bool(fault.survives) for fault in FAULTS) <= 3


def fault(old, new, within="", **more):
    return Fault("toy", "sums.py", within, old, new, ("tests/test_sums.py",), **more)


def test_a_letter_stands_for_any_expression_and_for_the_same_one_again():
    assert plant(fault("A - B", "B - A"), "x = f(1) - y[2]") == "x = y[2] - f(1)"
    assert plant(fault("A + A", "2 * A"), "x = a + b\ny = c . d+c.d") == "x = a + b\ny = 2 * c.d"


def test_a_statement_is_replaced_or_removed_and_an_expression_only_where_it_is_looked_for():
    source = "def f():\n    g(1)\n    return 1\n\nclass C:\n\n    def f2(self):\n        return 1"
    assert plant(fault("g(A)", "", "f"), source) == source.replace("g(1)", "pass")
    assert plant(fault("return A", "return 2", "C.f2"), source) == source.replace(
        "self):\n        return 1", "self):\n        return 2"
    )


@pytest.mark.parametrize(
    ("old", "new", "within"), [("1", "2", ""), ("3", "4", ""), ("b", "c", "f"), ("f()", "f()", ""), ("f()", "Z", "")]
)
def test_a_fault_that_is_not_there_once_or_changes_nothing_is_stale(old, new, within):
    with pytest.raises(StaleError):
        plant(fault(old, new, within), "a = [1, 1]\nb = f()")


def test_a_fault_is_noticed_a_harmless_change_survives_and_what_cannot_run_is_no_fault(tmp_path):
    package = tmp_path / "src" / "headstart"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "sums.py").write_text("def total(a, b):\n    return a + b\n\ndef endless():\n    return 1\n")
    (tmp_path / "pytest.ini").touch()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_sums.py").write_text(
        "from headstart.sums import endless, total\n\ndef test_a_total():\n    assert total(1, 2) == 3\n    endless()\n"
    )
    words = [
        mutants.judge(planted, package, tmp_path, seconds).word
        for planted, seconds in [
            (fault("A + B", "A - B"), 60), (fault("A + B", "B + A"), 60), (fault("A + B", "a + d"), 60),
            (fault("A * B", "A"), 60), (fault("return 1", "while True: pass"), 5),
        ]
    ]  # fmt: skip
    assert words == ["noticed", "SURVIVED", "broken", "stale", "slow"]
