"""An HTTP server that runs LangGraph graphs, with the LangGraph Platform's API.

The names in `__all__` are the package's public interface; everything else may change.
"""

from fractal_agents_runtime.app import App, Reply, create_app
from fractal_agents_runtime.graphs import Graph
from fractal_agents_runtime.plugins import Plugin
from fractal_agents_runtime.server import serve
from fractal_agents_runtime.version import __version__

__all__ = ["App", "Graph", "Plugin", "Reply", "__version__", "create_app", "serve"]
