"""The log: lines of text, or one JSON object a line."""

import json
import logging
from datetime import UTC, datetime

TEXT = "%(asctime)s %(levelname)s %(message)s"


class JsonFormatter(logging.Formatter):
    """Formats a record as a JSON object. Its `fields` are added."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            told["stack"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def begin_log(log_format: str) -> None:
    """Write the log of this package to stderr, and warnings of others."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("fractal_agents_runtime").setLevel(logging.INFO)
