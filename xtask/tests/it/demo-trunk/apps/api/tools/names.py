"""Writes the names of the routes into the package: `[commands] build`."""

import json
from pathlib import Path

from fastapi import FastAPI

from demo_api.server import app

assert isinstance(app, FastAPI)
names = sorted(route.name for route in app.routes)
Path("src/demo_api/names.json").write_text(json.dumps(names) + "\n")
