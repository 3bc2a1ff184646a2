"""The working folder is made, taken up again and removed; nothing that somebody else put there is."""

import pytest

from headstart.errors import UserError
from headstart.training.workplace import claim, partial, publish


def test_a_run_killed_at_any_moment_can_be_resumed(tmp_path):
    out = tmp_path / "out"
    partial(out).mkdir()  # killed after the folder was made
    working = claim(out, marker="results.json", resume=True)
    assert working == partial(out)
    (working / ".writable").write_text("")  # killed while the folder was signed
    claim(out, marker="results.json", resume=True)
    (working / "x.npy").write_bytes(b"half an array")  # killed before the plan
    assert claim(out, marker="results.json", resume=True) == working
    with pytest.raises(UserError, match="add --resume"):
        claim(out, marker="results.json", resume=False)


def test_an_unfinished_run_of_another_kind_is_refused(tmp_path):
    out = tmp_path / "out"
    working = claim(out, marker="card.json", resume=False)
    (working / "run").mkdir()
    for resume in (True, False):
        with pytest.raises(UserError, match="holds something else"):
            claim(out, marker="results.json", resume=resume)
    assert (working / "run").is_dir()
    assert claim(out, marker="card.json", resume=True) == working


def test_what_nobody_signed_is_refused_and_a_file_in_the_way_too(tmp_path):
    partial(tmp_path / "a").mkdir()
    (partial(tmp_path / "a") / ".writable").write_text("")
    (partial(tmp_path / "a") / "thesis.txt").write_text("precious")
    partial(tmp_path / "b").write_text("precious")
    for name in ("a", "b"):
        with pytest.raises(UserError, match="holds something else: choose another --out"):
            claim(tmp_path / name, marker="results.json", resume=True)


def test_a_published_folder_carries_no_sign(tmp_path):
    out = tmp_path / "out"
    working = claim(out, marker="card.json", resume=False)
    (working / "run").mkdir()
    (working / "card.json").write_text("{}")
    publish(working, out, without="run")
    assert [path.name for path in out.iterdir()] == ["card.json"]
    assert claim(out, marker="card.json", resume=False) is None
