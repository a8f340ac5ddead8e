"""What the clients of the thread protocol are told of a thread's runs.

They get all events of a run that a command has started, if this server executes it. Of other runs
they get the begin, the values, the interrupts and the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from fractal_agents_runtime.protocol import Event, Place, lifecycle, requested
from fractal_agents_runtime.values import milliseconds

if TYPE_CHECKING:
    from fractal_agents_runtime.protocol import ThreadLog
    from fractal_agents_runtime.runs import Run, Runs

Json = dict[str, Any]
# The status before of a run that was not known.
NEW = "new"
ENDS = {"success": "completed", "interrupted": "interrupted"}


class Followers:
    """The logs of threads that clients follow."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        # Runs of other servers that have changed, with the status that clients know.
        self._changed: list[tuple[Run, str]] = []

    def log(self, thread_id: str) -> ThreadLog:
        """Return the events of a thread. Those that nobody has asked for begin with a run's."""
        threads = self._runs.runtime.threads
        log = threads.followed(thread_id)
        if log is None:
            log = threads.follow(thread_id)
            for run in self._runs.of(thread_id):
                if run.record["status"] == "running":
                    log.tell(lifecycle("running", run.id, run.assistant["graph_id"]))
        return log

    def _known(self, run: Run) -> ThreadLog | None:
        threads = self._runs.runtime.threads
        if run.protocol and run.task is not None and run.thread_id in threads.records:
            return threads.follow(run.thread_id)
        return threads.followed(run.thread_id)

    def begin(self, run: Run) -> None:
        """Start a new run. A client that wants no earlier events gets those from here on."""
        if run.protocol:
            self._runs.runtime.threads.follow(run.thread_id)
        if log := self._known(run):
            log.mark(milliseconds(run.record["created_at"]))

    def tell(self, run: Run, event: Event, time: int | None = None) -> None:
        """Tell an event of a run."""
        if log := self._known(run):
            log.tell(event, time)

    def running(self, run: Run, time: int | None = None) -> None:
        """Tell that a run begins."""
        self.tell(run, lifecycle("running", run.id, run.assistant["graph_id"]), time)

    def values(self, run: Run, values: Any, time: int | None = None) -> None:
        """Tell the values of a run."""
        waits = isinstance(values, dict) and "__interrupt__" in values
        if not waits and self._known(run):
            self.tell(run, Event(Place("values"), values), time)

    def end(self, run: Run, time: int | None = None) -> None:
        """Tell how a run has ended, and what the thread waits for: it can be answered now."""
        thread = self._runs.runtime.threads.records.get(run.thread_id)
        found = thread["interrupts"].values() if thread else []
        waiting = [one for several in found for one in several]
        status, error = run.record["status"], str(run.problem) if run.problem else None
        if status == "success" and waiting:
            for one in waiting:
                self.tell(run, requested(one, run.interrupts.get(one["id"], ())), time)
            status = "interrupted"
        event = ENDS.get(status, "failed")
        self.tell(run, lifecycle(event, run.id, run.assistant["graph_id"], error), time)

    def changed(self, run: Run, before: str) -> None:
        """Note that another server has changed a run."""
        if self._known(run):
            self._changed.append((run, before))

    def loaded(self) -> None:
        """Tell what other servers have done, now that all of it is known."""
        changed, self._changed = self._changed, []
        for run, before in changed:
            self._loaded(run, before)

    def _loaded(self, run: Run, before: str) -> None:
        status, time = run.record["status"], milliseconds(run.record["updated_at"])
        if before == NEW:
            self.begin(run)
        if before in (NEW, "pending") and status != "pending":
            self.running(run, time)
        if not run.active and before in (NEW, "pending", "running"):
            result = from_json(run.result)
            if "__error__" in result:
                run.problem = Exception(result["__error__"]["message"])
            elif run.id in self._runs.known:
                values = {key: one for key, one in result.items() if key != "__interrupt__"}
                self.values(run, values, time)
            self.end(run, time)
