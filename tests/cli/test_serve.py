from __future__ import annotations

import pytest

from rrgraph.cli.main import main

uvicorn = pytest.importorskip("uvicorn")


@pytest.fixture
def served(monkeypatch):
    """Configurations of servers that would have run."""
    found = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda self: found.append(self.config))
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


def test_a_taken_port_is_named(monkeypatch, capsys):
    def taken(self):
        raise SystemExit(1)

    monkeypatch.setattr(uvicorn.Server, "run", taken)
    assert main(["serve", "--port", "8123"]) == 2
    assert "Nothing can listen at 127.0.0.1:8123" in capsys.readouterr().err


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
