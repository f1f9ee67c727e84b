"""A real browser without a window, that says whether a page executed something or asked for something."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

from .harness import Unavailable

__all__ = ["HOST", "MARK", "Browser"]

MARK = "data-pwned"
"""The attribute of the root element that an executed payload sets."""
HOST = "pwned.test"
"""The host that payloads ask for pictures and styles; every host is this machine for the browser."""
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_CONTROL = f"""<!DOCTYPE html><title>x</title>
<img src="http://{HOST}/x.png" onerror="document.documentElement.setAttribute('{MARK}', 1)">
"""
_CLICKS = """
<script>
for (const link of document.querySelectorAll("a, [*|href]")) {
  const address = link.getAttribute("href") || link.getAttributeNS("http://www.w3.org/1999/xlink", "href") || "";
  const runs = /^[\\s\\x00-\\x20]*(javascript|data|vbscript):(?!image\\/png)/i.test(address);
  if (runs) document.documentElement.setAttribute("data-pwned", "link");
}
for (const each of document.querySelectorAll("details")) each.open = true;
for (const each of document.querySelectorAll("input[type=search]")) {
  each.value = "i"; each.dispatchEvent(new Event("input", { bubbles: true }));
}
for (const each of [...document.querySelectorAll("button:not(#picture):not(#csv)")]) {
  for (const kind of ["pointerover", "mouseover", "focus"]) each.dispatchEvent(new Event(kind, { bubbles: true }));
  each.click();
}
</script>
"""
"""Follows what a page offers: opens, searches and presses everything."""


class Browser:
    """Shows pages in Chromium, of which no request leaves the machine; a context manager.

    Raises:
        Unavailable: there is no Chromium.
    """

    def __init__(self) -> None:
        found = next((path for name in _NAMES if (path := shutil.which(name))), None)
        if found is None:
            raise Unavailable("no Chromium is installed")
        self._program = found
        self._requests: list[bytes] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self._port = self._server.getsockname()[1]
        self._profile = tempfile.mkdtemp(prefix="robustness-browser-")
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Browser:
        control = Path(self._profile) / "control.html"
        control.write_text(_CONTROL)
        found = self.show(control)
        if set(found) != {"executed", "requested"}:
            raise Unavailable(f"Chromium does not show what a hostile page does (found {found})")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    def show(self, path: Path, *, seconds: float = 300) -> list[str]:
        """Return what a page did that it must not: ``executed``, ``requested``."""
        self._requests.clear()
        shown = path
        if path.suffix == ".html":
            shown = path.with_suffix(".clicked.html")
            shown.write_text(path.read_text(encoding="utf-8") + _CLICKS, encoding="utf-8")
        tree = subprocess.run(
            [
                self._program,
                *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
                *(
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    "--disable-extensions",
                ),
                *("--no-proxy-server", "--ignore-certificate-errors", "--virtual-time-budget=3000", "--dump-dom"),
                f"--user-data-dir={self._profile}",
                f"--host-resolver-rules=MAP * 127.0.0.1:{self._port}",
                shown.resolve().as_uri(),
            ],
            capture_output=True,
            timeout=seconds,
            check=True,
        ).stdout.decode("utf-8", "replace")
        assert "<" in tree, f"the browser shows nothing of {path}"
        found = ["executed"] if re.search(rf"<(html|svg)\b[^>]*\b{MARK}\b", tree) else []
        return found + (["requested"] if any(HOST.encode() in text for text in self._requests) else [])

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                try:
                    self._requests.append(connection.recv(4096))
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                except OSError:
                    continue
