"""`python -m fractal_agents_runtime.compat` prints compat.json."""

import sys

from fractal_agents_runtime import promises, spec

if __name__ == "__main__":
    # As bytes, so that neither the locale nor the platform's line ending changes the output.
    sys.stdout.buffer.write(promises.render(spec.render().encode()).encode())
