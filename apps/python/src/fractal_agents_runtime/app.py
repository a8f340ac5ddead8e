"""The public interface of the API, which is imported only when an app is made: that takes time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fractal_agents_runtime.reply import Reply
from fractal_agents_runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fractal_agents_runtime.graphs import Graph

__all__ = ["App", "Reply", "create_app"]


class App:
    """The runtime's API for some graphs."""

    def __init__(
        self,
        graphs: Mapping[str, Graph],
        token: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        from fractal_agents_runtime.api import Api  # noqa: PLC0415

        settings = settings or Settings()
        self._api = Api(graphs, token, settings)
        # The origins whose pages may use the app.
        self.cors_origins = settings.cors_origins

    async def open(self) -> None:
        """Load what is stored, and resume runs. The first request does the same."""
        await self._api.open()

    async def handle(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, list[str]] | None = None,
    ) -> Reply:
        """Answer a request. Every exception becomes a response with an error status.

        The names in `headers` must be in lower case.
        """
        return await self._api.handle(method, path, body, headers or {}, query or {})


def create_app(
    graphs: Mapping[str, Graph] | None = None,
    *,
    token: str | None = None,
    db: str | None = None,
    resume: bool = True,
) -> App:
    """Return the API for these compiled langgraph graphs, by name. Default: only `echo`.

    With a token, every request but those for `/health` and `/ok` must have it, as
    `Authorization: Bearer` or as `X-Api-Key`, which the SDKs send.

    Everything is kept in memory, or with `db="sqlite:FILE"` in that file. Runs that have lost their
    server are resumed, or they fail with `resume=False`.
    """
    if graphs is None:
        from fractal_agents_runtime.echo import echo  # noqa: PLC0415

        graphs = {"echo": echo()}
    lost_runs: Literal["resume", "error"] = "resume" if resume else "error"
    return App(graphs, token, Settings(database=db or "memory", lost_runs=lost_runs))
