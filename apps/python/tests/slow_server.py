"""A server for tests with one slow graph, built with the public interface."""

import asyncio
import logging
import os
import time
from typing import Any

from fractal_agents_runtime import create_app, serve


class Slow:
    """A graph that prints a line to stdout when a run begins."""

    async def ainvoke(self, input: Any, config: Any = None) -> Any:  # noqa: A002, ARG002
        print("a run has begun", flush=True)  # noqa: T201
        if input["block"]:
            time.sleep(input["seconds"])  # noqa: ASYNC251
        await asyncio.sleep(input["seconds"])
        return {"slept": input["seconds"]}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    serve(create_app({"slow": Slow()}), port=int(os.environ["PORT"]))
