"""Load on the page's server: clients that ask as fast as they are answered, and the memory of the server.

Starts `rrgraph serve` on a free port, waits for its first answer, and lets clients ask for new targets (doping series,
so that each is planned), and one time in four for one of a few targets again. Prints the times of the answers by kind,
how many requests were refused, and the memory of the server before and after. Run from the project's root:

    python benchmarks/serve_load.py --clients 32 --seconds 60
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

REPEATED = ("BaTiO3", "LiFePO4", "Li7La3Zr2O12", "YBa2Cu3O7")
HOSTS = ("Ba{a}Sr{b}TiO3", "La{a}Sr{b}MnO3", "LiNi{a}Co{b}O2", "Pb(Zr{a}Ti{b})O3", "Bi{a}La{b}FeO3", "Zn{a}Mg{b}Al2O4")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--queue", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "rrgraph", "serve", "--port", str(port), "--queue", str(arguments.queue)]
    started = time.perf_counter()
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        base = f"http://127.0.0.1:{port}"
        wait_for(base + "/", started + 60)
        page = time.perf_counter() - started
        for target in REPEATED:
            ask(base, target, timeout=120)
        print(
            f"page after {page:.1f} s, models and {len(REPEATED)} answers after {time.perf_counter() - started:.1f} s"
        )
        before = memory(server.pid)
        seconds, statuses = load(base, arguments.clients, arguments.seconds, arguments.seed)
        for kind, times in seconds.items():
            times.sort()
            median, late, last = (
                (times[int(share * (len(times) - 1))] for share in (0.5, 0.95, 1)) if times else [0] * 3
            )
            print(f"{kind}: {len(times)} answers, median {median:.2f} s, 95 % {late:.2f} s, most {last:.2f} s")
        print("status:", ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items())))
        print(f"memory: {before:.0f} MB before, {memory(server.pid):.0f} MB after")
    finally:
        server.terminate()
        server.wait(timeout=20)


def load(base: str, clients: int, seconds: float, seed: int) -> tuple[dict[str, list[float]], Counter[str]]:
    """Let clients ask for so long; return the seconds of answers by kind, and how often each status came."""
    found: dict[str, list[float]] = {"new target": [], "repeated target": []}
    statuses: Counter[str] = Counter()
    lock, end = threading.Lock(), time.perf_counter() + seconds

    def client(number: int) -> None:
        draw = random.Random(f"{seed} {number}")
        while time.perf_counter() < end:
            kind = "repeated target" if draw.random() < 0.25 else "new target"
            share = draw.randrange(1, 10_000) / 10_000
            new = draw.choice(HOSTS).format(a=f"{share:.4f}", b=f"{1 - share:.4f}")
            begun = time.perf_counter()
            status = ask(base, draw.choice(REPEATED) if kind == "repeated target" else new)
            took = time.perf_counter() - begun
            with lock:
                statuses[status] += 1
                if status == "200":
                    found[kind].append(took)
            if status == "429":
                time.sleep(draw.uniform(0.5, 1.5))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, statuses


def ask(base: str, target: str, *, timeout: float = 60) -> str:
    body = json.dumps({"targets": [target], "grams": 10}).encode()
    request = Request(f"{base}/api/plan", data=body, headers={"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=timeout) as answer:
            (plan,) = json.loads(answer.read())["plans"]
            return str(answer.status) if plan["sets"] else f"no sets for {target}"
    except HTTPError as error:
        return str(error.code)
    except (URLError, TimeoutError, ConnectionError) as error:
        return type(error).__name__


def wait_for(address: str, end: float) -> None:
    while True:
        try:
            urlopen(address, timeout=5).read()
            return
        except (URLError, ConnectionError):
            if time.perf_counter() > end:
                raise
            time.sleep(0.05)


def memory(process: int) -> float:
    """Return the resident memory in MB; 0 where the system does not say."""
    status = Path(f"/proc/{process}/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


if __name__ == "__main__":
    main()
