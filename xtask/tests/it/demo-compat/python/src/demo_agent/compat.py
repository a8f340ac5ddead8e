"""Prints what this package promises to plugins and channel adapters."""

import hashlib
import json

from demo_agent import __version__
from demo_agent.openapi import spec

PLUGINS = [("1", "deprecated", "9.0.0"), ("2", "supported", None)]
CHANNELS = [("http", "1", "supported", None)]


def document() -> dict[str, object]:
    text = json.dumps(spec(), indent=2, sort_keys=True) + "\n"
    return {
        "$schema": "https://raw.githubusercontent.com/l4b4r4b4b4/fractal-agents-runtime/"
        "main/contract/compat.schema.json",
        "schema": 1,
        "package": "demo-agent",
        "version": __version__,
        "contract": {"version": "1", "spec": "sha256:" + hashlib.sha256(text.encode()).hexdigest()},
        "plugins": [{"apiVersion": a, "status": s, "removal": r} for a, s, r in PLUGINS],
        "channels": [{"protocol": p, "version": v, "status": s, "removal": r} for p, v, s, r in CHANNELS],
    }


if __name__ == "__main__":
    print(json.dumps(document(), indent=2, sort_keys=True))
