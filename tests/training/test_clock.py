"""Times are read as people write them, and a bar is drawn on terminals only."""

import pytest

from headstart.errors import UserError
from headstart.training.clock import parse_seconds, progress_bar


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("45", 45), (7, 7)])
def test_a_time_is_read(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["soon", "0", "-5m", "10 days", ""])
def test_what_is_no_time_is_refused_with_an_example(text):
    with pytest.raises(UserError, match="10m"):
        parse_seconds(text)


def test_no_time_is_no_limit():
    assert parse_seconds(None) is None


def test_nothing_is_written_where_there_is_no_terminal(capsys):
    with progress_bar("a study") as show:
        show(0.5, "half")
    assert capsys.readouterr().err == ""
