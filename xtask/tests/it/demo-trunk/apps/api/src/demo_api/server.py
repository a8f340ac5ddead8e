"""Serves until SIGTERM."""

import os
import sys
from importlib.metadata import version
from pathlib import Path

import uvicorn
from fastapi import FastAPI

VERSION = version("demo-api")
COMMIT = Path(__file__).with_name("_commit.txt").read_text().strip()
app = FastAPI(title="demo-api", version=VERSION)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/info")
def info() -> dict[str, str]:
    return {"version": VERSION, "commit": COMMIT}


def main() -> None:
    if sys.argv[1:] == ["--version"]:
        print("demo-api", VERSION)
        return
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000"))
    uvicorn.run(app, host=host, port=port, log_level="warning")
