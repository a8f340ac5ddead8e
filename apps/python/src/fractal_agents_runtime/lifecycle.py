"""Stops the server: running requests are completed, new ones are refused, then the process ends.

SIGTERM and SIGINT are blocked in all threads, and one thread waits for them. A signal handler does
not work: the HTTP server inside Robyn installs its own, which drops connections on SIGINT.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Coroutine

from fractal_agents_runtime.reply import Reply, unavailable
from fractal_agents_runtime.streams import OPEN

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# After the signal: runs that are not done are cancelled after some turns, and the process ends
# END_AFTER turns later. A turn sleeps for TURN seconds. Turns are counted and not the time,
# because a machine that stalls delays the responses too.
TURN = 0.01
END_AFTER = 20
# If no request begins or ends for this many seconds, the last response has left the process.
QUIET = 0.1
STOPPING = "the server is stopping"

log = logging.getLogger("fractal_agents_runtime")


class Lifecycle:
    """Tracks the running requests, and ends the process."""

    def __init__(self, grace_seconds: float = 0.7) -> None:
        self._cancel_after = round(grace_seconds / TURN)
        self.stopping = False
        self._tasks: dict[asyncio.Task[object], asyncio.AbstractEventLoop] = {}
        self._changed = time.monotonic()

    def watch(self) -> None:
        """End the process soon after SIGTERM or SIGINT. Call it before other threads start."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        threading.Thread(target=self._wait, name="signals", daemon=True).start()

    async def answer(self, work: Coroutine[object, object, Reply]) -> Reply:
        """Wait for a response. Return a 503 if the server is stopping, or stops in the meantime."""
        if self.stopping:
            work.close()
            return unavailable(STOPPING)
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request must be answered inside an asyncio task")
        self._tasks[task] = asyncio.get_running_loop()
        try:
            return await work
        except asyncio.CancelledError:
            if not self.stopping:
                raise
            return unavailable(STOPPING)
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
            # Not sys.exit: Robyn's threads call into Python until the process ends.
            os._exit(0)

    def stop(self, reason: str) -> None:
        """Refuse new requests. Return when all runs have ended, or after the grace period."""
        self.stopping = True
        log.info("%s: stopping", reason)
        self._changed = time.monotonic()
        for turn in range(self._cancel_after + END_AFTER):
            if self._is_quiet() and time.monotonic() >= self._changed + QUIET:
                return
            if turn == self._cancel_after:
                self._cancel()
            time.sleep(TURN)

    def _is_quiet(self) -> bool:
        return not (self._tasks or OPEN.feeds or OPEN.runs)

    def _cancel(self) -> None:
        for task, loop in list(self._tasks.items()):
            loop.call_soon_threadsafe(task.cancel)
        OPEN.stop()
