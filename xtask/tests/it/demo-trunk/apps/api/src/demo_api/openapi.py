"""Prints the spec."""

import json

from demo_api.server import app

if __name__ == "__main__":
    print(json.dumps(app.openapi(), indent=2))
