"""Stopping: what is being answered is finished, what is not is refused, and the process ends.

SIGTERM and SIGINT are blocked in every thread and waited for in one. A handler would not do: the
HTTP server inside Robyn installs its own, and drops connections on SIGINT.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Coroutine

from fractal_agents_runtime.app import Reply, error_reply
from fractal_agents_runtime.errors import HttpError

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Turns of a hundredth of a second after the signal: when runs that are not done are cancelled, and
# when the process ends. Not by the clock: where a machine stalls, so do the answers.
TURN = 0.01
CANCEL_AFTER = 70
END_AFTER = 90
# Nothing began or ended for this long: the last answer has left the process.
QUIET = 0.1

log = logging.getLogger("fractal_agents_runtime")


class Lifecycle:
    """The requests that are being answered, and the end of the process."""

    def __init__(self) -> None:
        self._stopping = False
        self._tasks: dict[asyncio.Task[object], asyncio.AbstractEventLoop] = {}
        self._changed = time.monotonic()

    def watch(self) -> None:
        """End the process soon after SIGTERM or SIGINT. Call it before there are other threads."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        threading.Thread(target=self._wait, name="signals", daemon=True).start()

    async def answer(self, work: Coroutine[object, object, Reply]) -> Reply:
        """Wait for an answer; 503 if the server is stopping, or stops before it is there."""
        if self._stopping:
            work.close()
            return _refusal()
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request is answered by a task")
        self._tasks[task] = asyncio.get_running_loop()
        try:
            return await work
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            return _refusal()
        finally:
            del self._tasks[task]
            self._changed = time.monotonic()

    def _wait(self) -> None:
        received = signal.sigwait(SIGNALS)
        try:
            self.stop(signal.Signals(received).name)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            # Not sys.exit: Robyn's threads call into Python for as long as they run.
            os._exit(0)

    def stop(self, reason: str) -> None:
        """Refuse what comes from now on; return when all is answered, within a second."""
        self._stopping = True
        log.info("%s: stopping", reason)
        self._changed = time.monotonic()
        for turn in range(END_AFTER):
            if not self._tasks and time.monotonic() >= self._changed + QUIET:
                return
            if turn == CANCEL_AFTER:
                self._cancel()
            time.sleep(TURN)

    def _cancel(self) -> None:
        for task, loop in list(self._tasks.items()):
            loop.call_soon_threadsafe(task.cancel)


def _refusal() -> Reply:
    return error_reply(HttpError(503, "the server is stopping", headers={"Retry-After": "1"}))
