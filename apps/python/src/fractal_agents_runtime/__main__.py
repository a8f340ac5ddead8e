"""`python -m fractal_agents_runtime` starts the server."""

from fractal_agents_runtime.cli import main

if __name__ == "__main__":
    main()
