"""What the server counts, in Prometheus' text format."""

import sys
import time
from collections import Counter
from pathlib import Path
from resource import RUSAGE_SELF, getpagesize, getrusage

# The upper bounds of the classes of durations, in seconds.
BOUNDS = (0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0)
KIND = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counters of requests and runs."""

    def __init__(self) -> None:
        self._began = time.time()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: dict[str, list[int]] = {}
        self._sums: Counter[str] = Counter()
        # Runs that have ended, by status.
        self.runs: Counter[str] = Counter()

    def request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request. `path` has names in braces for the parts that vary."""
        self._requests[method, path, status] += 1
        classes = self._seconds.setdefault(path, [0] * (len(BOUNDS) + 1))
        classes[sum(seconds > bound for bound in BOUNDS)] += 1
        self._sums[path] += seconds  # type: ignore[assignment]

    def render(self, *, active: int, streams: int) -> str:
        """Return the text."""
        lines = [
            *_family("http_requests_total", "counter", "Answered requests."),
            *(
                f'http_requests_total{{method="{method}",path="{path}",status="{status}"}} {count}'
                for (method, path, status), count in sorted(self._requests.items())
            ),
            *_family("http_request_duration_seconds", "histogram", "Time until an answer begins."),
            *(line for path in sorted(self._seconds) for line in self._histogram(path)),
            *_family("runs_total", "counter", "Runs that have ended."),
            *(f'runs_total{{status="{one}"}} {count}' for one, count in sorted(self.runs.items())),
            *_family("runs_active", "gauge", "Runs that have not ended."),
            f"runs_active {active}",
            *_family("streams_open", "gauge", "Open responses."),
            f"streams_open {streams}",
            *_family("process_resident_memory_bytes", "gauge", "Memory of the process."),
            f"process_resident_memory_bytes {_memory()}",
            *_family("process_start_time_seconds", "gauge", "When the server began."),
            f"process_start_time_seconds {self._began:.3f}",
        ]
        return "\n".join(lines) + "\n"

    def _histogram(self, path: str) -> list[str]:
        name, total, lines = "http_request_duration_seconds", 0, []
        for bound, count in zip((*BOUNDS, "+Inf"), self._seconds[path], strict=True):
            total += count
            lines.append(f'{name}_bucket{{path="{path}",le="{bound}"}} {total}')
        lines.append(f'{name}_sum{{path="{path}"}} {self._sums[path]:.6f}')
        lines.append(f'{name}_count{{path="{path}"}} {total}')
        return lines


def _family(name: str, kind: str, told: str) -> list[str]:
    return [f"# HELP {name} {told}", f"# TYPE {name} {kind}"]


def _memory() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        # macOS: the highest value so far, in bytes.
        return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return pages * getpagesize()
