from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rrgraph.data import ReactionTable, catalogue, data_path, fetch, split_table
from rrgraph.errors import DataError

CONTENT = bytes(range(256)) * 1200  # several chunks
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """A local web server that can cut connections, and serves as a proxy for any host."""

    url: str = ""
    content: bytes = CONTENT
    contents: dict[str, bytes] = field(default_factory=dict)  # of single paths
    cuts: list[int] = field(default_factory=list)  # bytes sent before each of the next answers is cut
    requests: list[str] = field(default_factory=list)  # paths
    status: int = 200
    moved: str = ""  # address that every path is moved to
    chunked: bool = False  # do not say how much comes


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests.append(self.path)
            if state.status != 200:
                self.send_error(state.status)
                return
            content = state.contents.get(self.path, state.content)
            self.send_response(302 if state.moved else 200)
            if state.moved:
                self.send_header("Location", state.moved)
            if not state.chunked:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: state.cuts.pop(0)] if state.cuts else content)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{web.server_port}"
    yield state
    web.shutdown()
    web.server_close()
    thread.join()


@pytest.fixture
def cache(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user cache and a catalogue of one entry, `sample`, with a known checksum."""
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: tmp_path)
    monkeypatch.setattr("time.sleep", lambda _: None)  # between attempts
    monkeypatch.delenv("RRGRAPH_DATA", raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    set_entry(monkeypatch, url=f"{server.url}/sample.bin", sha256=DIGEST)
    return tmp_path


def set_entry(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    known = catalogue.CatalogueEntry(
        name="sample", path="reactions/sample.bin", description="A sample.", origin="nobody", licence="none"
    )
    monkeypatch.setattr(catalogue, "CATALOGUE", {"sample": replace(known, **changes)})


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_fetched_once_and_found_again(server: Server, cache: Path) -> None:
    with pytest.raises(DataError, match="rrgraph data fetch sample"):
        data_path("sample")
    path = fetch("sample")
    assert path.read_bytes() == CONTENT
    assert data_path("sample") == path == fetch("sample")
    assert len(server.requests) == 1
    assert files(cache) == {"sample.bin"}
    (cache / "new").touch()
    assert path.stat().st_mode == (cache / "new").stat().st_mode


def test_a_cut_download_is_tried_again(server: Server, cache: Path) -> None:
    server.cuts = [100_000, 0]
    assert fetch("sample").read_bytes() == CONTENT
    assert len(server.requests) == 3
    assert files(cache) == {"sample.bin"}


@pytest.mark.parametrize("trust", [False, True])
def test_a_download_cut_again_and_again_is_refused(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, trust: bool
) -> None:
    if trust:  # no checksum could tell that the file is cut
        set_entry(monkeypatch, url=f"{server.url}/sample.bin")
    server.cuts = [100_000] * 3
    with pytest.raises(DataError, match="failed 3 times"):
        fetch("sample", trust=trust)
    assert files(cache) == set()
    assert fetch("sample", trust=trust).read_bytes() == CONTENT


def test_progress_is_shown_on_a_terminal_only(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch("sample").unlink()
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    fetch("sample")
    assert "/307k" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [CONTENT[:-1], CONTENT + b"x", b"", b"<html>not found</html>"])
def test_a_changed_file_is_refused_and_not_left_in_place(server: Server, cache: Path, wrong: bytes) -> None:
    server.content = wrong
    with pytest.raises(DataError, match="checksum differs"):
        fetch("sample")
    assert files(cache) == set()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("trust", [False, True])
def test_a_download_stops_at_the_size_of_the_catalogue(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, trust: bool, chunked: bool
) -> None:
    set_entry(monkeypatch, url=f"{server.url}/s.bin", sha256="" if trust else DIGEST, size=len(CONTENT))
    server.chunked = chunked
    server.content = CONTENT + b"x"
    with pytest.raises(DataError, match=r"sends more than 307,200 bytes, the size of table 'sample'"):
        fetch("sample", trust=trust)
    assert len(server.requests) == 1
    assert files(cache) == set()
    server.content = CONTENT
    assert fetch("sample", trust=trust).read_bytes() == CONTENT


def test_a_download_without_a_known_size_is_bounded(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rrgraph.data.download._MOST_BYTES", 1000)
    with pytest.raises(DataError, match=r"more than 1,000 bytes, the largest size"):
        fetch("sample")
    assert files(cache) == set()


def test_an_address_that_leads_to_files_of_this_computer_is_refused(server: Server, cache: Path) -> None:
    server.moved = "file:///etc/passwd"
    with pytest.raises(DataError, match="is not http or https"):
        fetch("sample")
    assert files(cache) == set()


def test_a_copy_damaged_in_the_cache_is_noticed_and_replaced(server: Server, cache: Path) -> None:
    path = fetch("sample")
    path.write_bytes(CONTENT[:1000])
    with pytest.raises(DataError, match="has changed since"):
        data_path("sample")
    assert fetch("sample").read_bytes() == CONTENT


def test_an_error_of_the_server_is_named(server: Server, cache: Path) -> None:
    server.status = 404
    with pytest.raises(DataError, match="answers 404"):
        fetch("sample")


@pytest.mark.slow
def test_what_a_killed_transfer_leaves_is_removed_by_the_next(server: Server, cache: Path) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from rrgraph.data import download\n"
        "def transfer(name, url, path, size):\n"
        "    path.write_bytes(b'half')\n"
        "    os.kill(os.getpid(), 9)\n"
        "download._transfer = transfer\n"
        "download._retrieve('sample', '', Path(sys.argv[1]), '', 0)\n"
    )
    subprocess.run([sys.executable, "-c", code, cache / "reactions" / "sample.bin"], check=False)
    assert len(files(cache)) == 1
    fetch("sample")
    assert files(cache) == {"sample.bin"}


def test_a_server_out_of_reach_is_named(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_entry(monkeypatch, url="http://127.0.0.1:9/sample.bin", sha256=DIGEST)
    with pytest.raises(DataError, match="ConnectionError"):
        fetch("sample")


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_the_proxy_of_the_environment_is_used(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    set_entry(monkeypatch, url="http://tables.invalid/sample.bin", sha256=DIGEST)
    monkeypatch.setenv(variable, server.url)
    assert fetch("sample").read_bytes() == CONTENT
    assert server.requests == ["http://tables.invalid/sample.bin"]


def test_a_file_without_recorded_checksum_needs_one_or_trust(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_entry(monkeypatch, url=f"{server.url}/sample.bin")
    with pytest.raises(DataError, match="--sha256"):
        fetch("sample")
    assert server.requests == []
    with pytest.raises(DataError, match="not a SHA-256"):
        fetch("sample", sha256="abc")
    with pytest.raises(DataError, match="checksum differs"):
        fetch("sample", sha256="0" * 64)
    assert fetch("sample", sha256=DIGEST.upper()).read_bytes() == CONTENT


def test_a_trusted_file_must_stay_the_same(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_entry(monkeypatch, url=f"{server.url}/sample.bin")
    path = fetch("sample", trust=True)
    assert data_path("sample") == path
    path.unlink()
    server.content = CONTENT[::-1]
    with pytest.raises(DataError, match="checksum differs"):
        fetch("sample", trust=True)
    assert not path.exists()


def test_a_given_checksum_cannot_replace_the_recorded_one(server: Server, cache: Path) -> None:
    with pytest.raises(DataError, match="recorded with checksum"):
        fetch("sample", sha256="0" * 64)


def test_a_prepared_table_says_what_it_is_made_from(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_entry(monkeypatch, recipe="another table")
    for function in (fetch, data_path):
        with pytest.raises(DataError, match="prepared from another table"):
            function("sample")


def test_the_folder_of_the_environment_comes_first(
    cache: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("own")
    own = folder / "reactions" / "sample.bin"
    own.parent.mkdir()
    own.write_bytes(b"mine")
    monkeypatch.setenv("RRGRAPH_DATA", str(folder))
    assert data_path("sample") == own


def test_unknown_names_are_refused_with_the_nearest_one(cache: Path) -> None:
    for function in (fetch, data_path):
        with pytest.raises(DataError, match="Did you mean 'sample'"):
            function("smaple")


def test_every_catalogued_address_is_fixed() -> None:
    for item in catalogue.CATALOGUE.values():
        assert bool(item.url) != bool(item.recipe)
        assert not item.url or re.search(r"/[0-9a-f]{40}/", item.url), item.url


def test_a_table_is_joined_from_two_published_files(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reactions = b'target,precursor_ids,year,doi\nBaTiO3,"0,12",2003,10.1/a\nNa3N,3,,\n'
    precursors = b'{"0": ["BaCO3", "BaO3C"], "12": ["TiO2"], "3": ["Na"]}'
    server.contents = {"/rows.csv": reactions, "/ids.json": precursors}
    parts = tuple(
        catalogue.PublishedFile(url=f"{server.url}{path}", sha256=hashlib.sha256(text).hexdigest(), size=len(text))
        for path, text in server.contents.items()
    )
    set_entry(monkeypatch, parts=parts, path="reactions/joined.csv.gz")
    with pytest.raises(DataError, match="rrgraph data fetch sample"):
        data_path("sample")
    path = fetch("sample")
    assert fetch("sample") == path == data_path("sample")
    assert server.requests == ["/rows.csv", "/ids.json"]
    table = ReactionTable.read(path)
    assert [(str(row.target), str(row.precursors), row.year, row.doi) for row in table] == [
        ("BaTiO3", "BaCO3 + TiO2", 2003, "10.1/a"),
        ("Na3N", "Na", None, None),
    ]
    assert files(cache) == {"joined.csv.gz", "joined.csv.gz.sha256"}
    path.write_bytes(b"")
    with pytest.raises(DataError, match="has changed since"):
        data_path("sample")
    assert ReactionTable.read(fetch("sample")).frame.equals(table.frame)
    server.contents["/ids.json"] = b"{}"
    path.unlink()
    with pytest.raises(DataError, match="is not table 'sample'"):
        fetch("sample")
    assert not path.exists()


def test_a_joined_table_keeps_the_published_split(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.contents = {
        "/rows.csv": b'target,precursor_ids,year,type\nBaTiO3,"0,1",2003,train\nBaO,0,2017,test\n',
        "/ids.json": b'{"0": ["BaCO3"], "1": ["TiO2"]}',
    }
    parts = tuple(
        catalogue.PublishedFile(url=f"{server.url}{path}", sha256=hashlib.sha256(text).hexdigest(), size=len(text))
        for path, text in server.contents.items()
    )
    set_entry(
        monkeypatch, parts=parts, columns=("target", "precursors", "year", "split"), path="reactions/joined.csv.gz"
    )
    split = split_table(ReactionTable.read(fetch("sample")), "column")
    assert [[str(row.target) for row in part] for part in (split.train, split.test)] == [["BaTiO3"], ["BaO"]]


def test_the_published_tables_are_pinned_with_checksums() -> None:
    for name in ("text_mined", "text_mined_recipes", "retrieval_retro"):
        entry = catalogue.entry(name)
        assert entry.can_be_fetched
        for part in entry.parts or (entry,):
            assert re.fullmatch("[0-9a-f]{64}", part.sha256)
            assert re.search("/[0-9a-f]{40}/", part.url)
            assert part.size > 0
