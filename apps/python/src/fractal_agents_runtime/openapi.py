"""`python -m fractal_agents_runtime.openapi` prints the OpenAPI document."""

import sys

from fractal_agents_runtime.spec import render

if __name__ == "__main__":
    # As bytes: no locale and no platform's line ends.
    sys.stdout.buffer.write(render().encode())
