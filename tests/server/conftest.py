"""What the tests of the server share."""

from __future__ import annotations

import pytest
from tests.server.asking import Client


@pytest.fixture(scope="session")
def client() -> Client:
    """The application under its usual settings."""
    return Client()
