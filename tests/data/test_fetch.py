"""Fetching from a server of our own: only the right bytes ever get the file's name."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from headstart.data.fetch import Remote, cache, fetch, roots
from headstart.errors import UserError

CONTENT = b"pixels" * 1000
NOWHERE = "http://127.0.0.1:9/x.gz"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


@pytest.fixture
def server(tmp_path):
    """The address of a folder with one file, x.gz."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served/x.gz").write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "served")) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HEADSTART_DATA", raising=False)


def remote(*urls, algorithm="sha256", content=CONTENT):
    return Remote("MNIST/raw/x.gz", f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}", urls)


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_file_with_the_right_checksum_is_kept_below_the_data_root(server, tmp_path, algorithm, capsys):
    assert fetch([remote(server + "x.gz", algorithm=algorithm)], tmp_path / "mine", "mnist") == tmp_path / "mine"
    assert (tmp_path / "mine/MNIST/raw/x.gz").read_bytes() == CONTENT
    assert capsys.readouterr().err == f"fetching {server}x.gz\n"


def test_without_a_data_root_the_cache_keeps_it(server, tmp_path):
    assert fetch([remote(server + "x.gz")], None, "mnist") == cache() == tmp_path / "cache/headstart"


def test_a_data_root_that_cannot_be_made_leaves_it_to_the_cache(server, tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert fetch([remote(server + "x.gz")], tmp_path / "file", "mnist") == cache()


def test_other_bytes_are_refused_and_leave_nothing_behind(server, tmp_path):
    with pytest.raises(UserError, match="its sha256 is") as refusal:
        fetch([remote(server + "x.gz", content=b"something else")], tmp_path / "mine", "mnist")
    assert "\n" not in str(refusal.value)
    assert list((tmp_path / "mine/MNIST/raw").iterdir()) == []


def test_the_next_mirror_is_asked_when_one_fails(server, tmp_path):
    fetch([remote(NOWHERE, server + "gone.gz", server + "x.gz")], tmp_path, "mnist")
    assert (tmp_path / "MNIST/raw/x.gz").is_file()


def test_no_network_says_where_to_put_the_file(tmp_path):
    with pytest.raises(
        UserError, match=r"mnist could not be fetched.*MNIST/raw/x\.gz yourself.*--data-root"
    ) as refusal:
        fetch([remote(NOWHERE)], tmp_path, "mnist")
    assert "\n" not in str(refusal.value)


def test_what_is_there_is_not_fetched_again(tmp_path):
    (tmp_path / "MNIST/raw").mkdir(parents=True)
    (tmp_path / "MNIST/raw/x.gz").write_bytes(b"already here")
    assert fetch([remote(NOWHERE)], tmp_path, "mnist") == tmp_path


def test_the_argument_is_asked_before_the_variable_and_the_cache_last(monkeypatch, tmp_path):
    monkeypatch.setenv("HEADSTART_DATA", "/variable")
    assert [str(root) for root in roots("/argument")] == ["/argument", str(cache())]
    assert [str(root) for root in roots(None)] == ["/variable", str(cache())]
