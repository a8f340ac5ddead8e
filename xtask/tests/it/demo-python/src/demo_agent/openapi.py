"""Prints the spec."""

import json

from demo_agent import __version__


def spec() -> dict[str, object]:
    ok = {"responses": {"200": {"description": "OK"}}}
    paths = {path: {"get": ok} for path in ("/health", "/info", "/openapi.json")}
    return {"info": {"title": "demo-agent", "version": __version__}, "openapi": "3.1.0", "paths": paths}


if __name__ == "__main__":
    print(json.dumps(spec(), indent=2, sort_keys=True))
