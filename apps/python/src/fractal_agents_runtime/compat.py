"""`python -m fractal_agents_runtime.compat` prints compat.json: what this release promises."""

import sys

from fractal_agents_runtime import promises, spec

if __name__ == "__main__":
    # As bytes: no locale and no platform's line ends.
    sys.stdout.buffer.write(promises.render(spec.render().encode()).encode())
