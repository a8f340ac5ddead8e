"""Open responses: signs of life, clients that hang up, and the limit."""

import asyncio
import json
from typing import Any

import pytest

from fractal_agents_runtime import App, run_requests, streams
from fractal_agents_runtime.errors import HttpError
from fractal_agents_runtime.streams import BEAT, OPEN, Feed, Log, nobody, of_modes, sse


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT", 0.02)
    monkeypatch.setattr(run_requests, "HEARTBEAT", 0.02)


class Slow:
    """A graph that takes longer than the silence that is allowed here."""

    async def ainvoke(self, input: Any, config: Any = None) -> Any:  # noqa: A002, ARG002
        await asyncio.sleep(0.2)
        return {"done": True}


@pytest.mark.usefixtures("short")
def test_a_silent_stream_has_signs_of_life() -> None:
    log = Log(sse)
    feed = log.read(-1, of_modes(None))
    assert next(feed) == BEAT
    log.add("values", b"1")
    log.close()
    assert list(feed) == [b"event: values\r\ndata: 1\r\nid: 0\r\n\r\n"]
    assert list(log.read(None, of_modes(None))) == []


@pytest.mark.usefixtures("short")
def test_a_long_wait_is_answered_with_blank_lines_first() -> None:
    async def waited() -> bytes:
        body = json.dumps({"assistant_id": "g", "input": {}}).encode()
        reply = await App({"g": Slow()}).handle("POST", "/runs/wait", body)
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.stream is not None
        return b"".join(await asyncio.to_thread(list, reply.stream))

    told = asyncio.run(waited())
    assert told.startswith(b"\n")
    assert json.loads(told) == {"done": True}


def test_a_client_that_hangs_up_is_noticed_only_before_the_end() -> None:
    seen: list[str] = []
    before = len(OPEN.feeds)
    feed = Feed(BEAT, b"", lambda: seen.append("early"))
    del feed
    assert seen == ["early"]
    feed = Feed(BEAT, b"", lambda: seen.append("late"))
    feed.queue.put(None)
    assert list(feed) == []
    del feed
    assert seen == ["early"]
    assert len(OPEN.feeds) == before


def test_the_number_of_open_streams_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST", len(OPEN.feeds) + 1)
    streams.check_room()
    feed = Feed(BEAT, b"last", nobody)
    with pytest.raises(HttpError) as refusal:
        streams.check_room()
    assert (refusal.value.status, refusal.value.headers) == (503, {"Retry-After": "5"})
    OPEN.stop()
    assert list(feed) == [b"last"]


def test_a_log_remembers_only_so_many_events() -> None:
    log = Log(sse, 2)
    for number in range(4):
        log.add("custom", b"%d" % number)
    log.close()
    assert [chunk.split(b"id: ")[1][:1] for chunk in log.read(-1, of_modes(None))] == [b"2", b"3"]
    log.forget()
    assert list(log.read(-1, of_modes(None))) == []
