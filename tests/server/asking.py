"""A client of the application in this process: no socket is opened."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from whichgpu.server.application import create
from whichgpu.server.settings import Settings


class Client:
    """Asks an application with these settings, by the name that it is called."""

    def __init__(self, settings: Settings | None = None, base_url: str = "http://localhost") -> None:
        self.transport = httpx.ASGITransport(create(settings or Settings()), raise_app_exceptions=False)
        self.base_url = base_url

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        """The answer to one request; redirects are not followed."""

        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(transport=self.transport, base_url=self.base_url) as client:
                return await client.request(method, path, **given)

        return asyncio.run(asked())

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        return self.request("POST", path, **given)
