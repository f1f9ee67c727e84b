from __future__ import annotations

import socket
from contextlib import nullcontext

import pytest

from rrgraph.cli.main import main

uvicorn = pytest.importorskip("uvicorn")


@pytest.fixture
def served(monkeypatch):
    """Configurations of servers that would have run."""
    found = []
    monkeypatch.setattr("rrgraph.cli.serve._listening", lambda host, port: nullcontext("listener"))
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: found.append(self.config))
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)
    return found


def hosts(config) -> list[str]:
    return next(each.kwargs["allowed_hosts"] for each in config.app.user_middleware if "allowed_hosts" in each.kwargs)


def test_only_this_machine_reaches_the_server_by_default(served, capsys):
    assert main(["serve", "--port", "8123"]) == 0
    (config,) = served
    assert (config.host, config.port) == ("127.0.0.1", 8123) and "*" not in hosts(config)
    out, err = capsys.readouterr()
    assert "http://127.0.0.1:8123" in out and err == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_another_host_is_warned_of(served, capsys, host):
    assert main(["serve", "--host", host]) == 0
    assert hosts(served[0]) == ["*"]
    assert f"everybody who can reach {host} can use this server" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "70000", "http", "-1"])
def test_a_port_is_a_number(port, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["serve", f"--port={port}"])
    assert caught.value.code == 2 and f"'{port}' is not a port" in capsys.readouterr().err


def test_a_taken_port_is_named(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    out, err = capsys.readouterr()
    sentence = f"--port is {port}, which another program uses at 127.0.0.1, expected a free one."
    assert out == "" and err == f"rrgraph serve: {sentence}\n"


@pytest.mark.parametrize("host", ["nohost.invalid", "192.0.2.1", "x" * 80, ""])
def test_a_host_is_of_this_machine(capsys, host):
    assert main(["serve", "--host", host]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert f"--host is '{host}', expected a name or address of this machine, such as 127.0.0.1: " in err


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_it_listens_before_it_is_announced(monkeypatch, capsys, host):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def run(self, sockets):
        assert f":{port} - Ctrl-C ends it." in capsys.readouterr().out
        socket.create_connection((host, port), timeout=1).close()
        assert sockets[0].getsockname() == ("127.0.0.1", port)

    monkeypatch.setattr(uvicorn.Server, "run", run)
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)
    assert main(["serve", "--host", host, "--port", str(port)]) == 0


@pytest.mark.parametrize("command", ["serve", "mcp"])
def test_a_model_that_is_not_there_is_told_at_once(served, capsys, command):
    assert main([command, "--model", "defalt"]) == 2
    out, err = capsys.readouterr()
    assert "Did you mean 'default'?" in err and not out and not served


@pytest.mark.parametrize(("command", "package", "extra"), [("serve", "fastapi", "app"), ("mcp", "mcp", "mcp")])
def test_a_missing_package_is_named(monkeypatch, capsys, command, package, extra):
    import sys

    monkeypatch.setitem(sys.modules, package, None)
    for name in ("rrgraph.app.web", "rrgraph.app.tools", "mcp.server.mcpserver"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, f"{package}.server.mcpserver" if package == "mcp" else package, None)
    assert main([command]) == 2
    assert f"pip install 'rrgraph[{extra}]'" in capsys.readouterr().err
