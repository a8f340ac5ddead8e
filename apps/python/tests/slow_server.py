"""A server for tests, made with the public interface: one graph that takes its time."""

import asyncio
import logging
import os
from typing import Any

from pydantic import BaseModel

from fractal_agents_runtime import create_app, serve


class SlowInput(BaseModel):
    """How long a run takes."""

    seconds: float


class Slow:
    """A graph that says on standard output when it has begun."""

    def get_input_schema(self) -> type[BaseModel]:
        return SlowInput

    async def ainvoke(self, input: Any, config: Any = None) -> Any:  # noqa: A002, ARG002
        print("a run has begun", flush=True)  # noqa: T201
        await asyncio.sleep(input["seconds"])
        return {"slept": input["seconds"]}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    serve(create_app({"slow": Slow()}), port=int(os.environ["PORT"]))
