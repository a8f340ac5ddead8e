"""The answers of the server, by path."""

from demo_agent import COMMIT, __version__
from demo_agent.openapi import spec

ANSWERS = {
    "/health": {"status": "ok"},
    "/info": {"version": __version__, "commit": COMMIT, "graphs": []},
    "/openapi.json": spec(),
}
