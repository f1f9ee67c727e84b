from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from rrgraph.app import Service, Worker
from rrgraph.app.web import create_app


@pytest.fixture(scope="session")
def service() -> Service:
    return Service(device="cpu")


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service, worker=Worker(seconds=120)), follow_redirects=False) as client:
        yield client
