"""`python -m fractal_agents_runtime.openapi` prints the OpenAPI document."""

import sys

from fractal_agents_runtime.spec import render

if __name__ == "__main__":
    # As bytes, so that neither the locale nor the platform's line ending changes the output.
    sys.stdout.buffer.write(render().encode())
