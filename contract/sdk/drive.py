"""Calls every method of the Python SDK on the server at BASE_URL. Prints each result, as JSON.

It needs `langgraph_sdk`. A row works if its call raises nothing and its answer is as expected.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

from langgraph_sdk import get_client  # type: ignore[import-not-found]

URL = os.environ["BASE_URL"]
HELLO = {"messages": [{"role": "user", "content": "hello"}]}
SLOW = {"messages": [{"role": "user", "content": "wait 30"}]}
BRIEF = {"messages": [{"role": "user", "content": "wait 0.2"}]}


def check(holds: object, seen: object = None) -> None:
    """Fail with what was seen."""
    if not holds:
        raise AssertionError(str(seen)[:300])


async def events(stream: AsyncIterator[Any]) -> list[str]:
    return [part.event async for part in stream]


async def main() -> None:
    sdk = get_client(url=URL)
    assistants, threads, runs, store = sdk.assistants, sdk.threads, sdk.runs, sdk.store
    results: dict[str, str] = {}

    async def row(name: str, call: Callable[[], Awaitable[object]]) -> None:
        try:
            async with asyncio.timeout(20):
                await call()
            results[name] = "works"
        except Exception as problem:  # noqa: BLE001
            results[name] = f"fails ({type(problem).__name__}: {str(problem)[:200]})"

    mine = str(uuid4())

    async def created() -> None:
        made = await assistants.create("echo", assistant_id=mine, name="mine", context={"k": 1})
        check(made["config"]["configurable"] == {"k": 1}, made)

    async def found() -> None:
        check(
            mine in [one["assistant_id"] for one in await assistants.search(name="MINE", limit=100)]
        )

    async def by_name() -> None:
        check((await assistants.get("echo"))["graph_id"] == "echo")

    async def updated() -> None:
        made = await assistants.update(mine, metadata={"m": 1})
        check(made["version"] == 2, made)

    async def versions() -> None:
        check([one["version"] for one in await assistants.get_versions(mine)] == [2, 1])

    async def latest() -> None:
        check((await assistants.set_latest(mine, 1))["version"] == 1)

    async def drawn() -> None:
        drawing = await assistants.get_graph(mine, xray=True)
        check({"source": "__start__", "target": "reply"} in drawing["edges"], drawing)

    async def schemas() -> None:
        check((await assistants.get_schemas(mine))["graph_id"] == "echo")

    async def subgraphs() -> None:
        check(await assistants.get_subgraphs(mine, recurse=True) == {})

    async def counted() -> None:
        check(await assistants.count(graph_id="echo") >= 2)

    async def dropped() -> None:
        await assistants.delete(mine)

    await row("assistants.create", created)
    await row("assistants.search", found)
    await row("assistants.get", by_name)
    await row("assistants.update", updated)
    await row("assistants.getVersions", versions)
    await row("assistants.setLatest", latest)
    await row("assistants.getGraph", drawn)
    await row("assistants.getSchemas", schemas)
    await row("assistants.getSubgraphs", subgraphs)
    await row("assistants.count", counted)
    await row("assistants.delete", dropped)

    space = ["matrix", str(uuid4())]

    async def put() -> None:
        await store.put_item(space, "k", {"a": 1}, index=False, ttl=5)

    async def got() -> None:
        check((await store.get_item(space, "k"))["value"] == {"a": 1})

    async def searched() -> None:
        check(len((await store.search_items(space, filter={"a": 1}))["items"]) == 1)

    async def listed() -> None:
        check((await store.list_namespaces(prefix=space))["namespaces"] == [space])

    async def deleted() -> None:
        await store.delete_item(space, "k")
        check(await store.get_item(space, "k") is None)

    async def crons() -> None:
        check(await sdk.crons.search() == [])

    await row("store.putItem", put)
    await row("store.getItem", got)
    await row("store.searchItems", searched)
    await row("store.listNamespaces", listed)
    await row("store.deleteItem", deleted)
    await row("crons.search", crons)

    thread = str(uuid4())

    async def thread_created() -> None:
        made = await threads.create(thread_id=thread, metadata={"who": thread}, if_exists="raise")
        check(made["status"] == "idle", made)

    async def thread_got() -> None:
        check((await threads.get(thread))["thread_id"] == thread)

    async def thread_updated() -> None:
        check((await threads.update(thread, metadata={"n": 2}))["metadata"]["n"] == 2)

    async def thread_searched() -> None:
        check(len(await threads.search(metadata={"who": thread})) == 1)

    async def thread_counted() -> None:
        check(await threads.count(metadata={"who": thread}) == 1)

    async def waited() -> None:
        done = await runs.wait(thread, "echo", input=HELLO, metadata={"m": 1})
        check(done["messages"][-1]["content"] == "hello", done)

    async def stateless() -> None:
        done = await runs.wait(None, "echo", input=HELLO)
        check(done["messages"][-1]["content"] == "hello", done)

    async def state() -> None:
        check(len((await threads.get_state(thread))["values"]["messages"]) == 2)

    async def state_at() -> None:
        last = await threads.get_state(thread)
        parent = await threads.get_state(thread, checkpoint=last["parent_checkpoint"])
        check(parent["next"] == ["reply"], parent)
        one = await threads.get_state(thread, checkpoint_id=last["checkpoint"]["checkpoint_id"])
        check(one["values"] == last["values"], one)

    async def state_updated() -> None:
        values = {"messages": [{"role": "assistant", "content": "by hand"}]}
        await threads.update_state(thread, values, as_node="reply")
        check(len((await threads.get_state(thread))["values"]["messages"]) == 3)

    async def history() -> None:
        every = await threads.get_history(thread, limit=100)
        check(len(every) >= 3, every)
        before = await threads.get_history(thread, before=every[0]["checkpoint"], limit=100)
        check(len(before) == len(every) - 1, before)

    async def copied() -> None:
        made = await threads.copy(thread)
        values = (await threads.get_state(made["thread_id"]))["values"]
        check(len(values["messages"]) == 3, values)

    await row("threads.create", thread_created)
    await row("threads.get", thread_got)
    await row("threads.update", thread_updated)
    await row("threads.search", thread_searched)
    await row("threads.count", thread_counted)
    await row("runs.wait (thread)", waited)
    await row("runs.wait (stateless)", stateless)
    await row("threads.getState", state)
    await row("threads.getState(checkpoint)", state_at)
    await row("threads.updateState", state_updated)
    await row("threads.getHistory", history)
    await row("threads.copy", copied)

    def streams(mode: Any, wanted: str, text: str) -> Callable[[], Awaitable[None]]:
        async def streamed() -> None:
            told = {"messages": [{"role": "user", "content": text}]}
            seen = await events(runs.stream(None, "agent", input=told, stream_mode=mode))
            check(seen[0] == "metadata" and wanted in seen, seen)

        return streamed

    await row("runs.stream values", streams("values", "values", "hello"))
    await row("runs.stream updates", streams("updates", "updates", "hello"))
    await row("runs.stream messages-tuple", streams("messages-tuple", "messages", "one two"))
    await row("runs.stream custom", streams("custom", "custom", "wait 0.1"))
    await row("runs.stream events", streams("events", "events", "hello"))

    made: dict[str, Any] = {}

    async def run_created() -> None:
        made["thread"] = (await threads.create())["thread_id"]
        made["run"] = (await runs.create(made["thread"], "agent", input=BRIEF))["run_id"]

    async def run_got() -> None:
        check((await runs.get(made["thread"], made["run"]))["run_id"] == made["run"])

    async def run_listed() -> None:
        check([one["run_id"] for one in await runs.list(made["thread"])] == [made["run"]])

    async def run_join_stream() -> None:
        stream = runs.join_stream(made["thread"], made["run"], last_event_id="-1")
        seen = await events(stream)
        check(seen[0] == "metadata" and "values" in seen, seen)

    async def run_joined() -> None:
        check("messages" in await runs.join(made["thread"], made["run"]))

    async def run_deleted() -> None:
        await runs.delete(made["thread"], made["run"])
        check(await runs.list(made["thread"]) == [])

    async def batch() -> None:
        payloads: Any = [{"assistant_id": "echo", "input": HELLO}] * 2
        started = await runs.create_batch(payloads)
        check(len(started) == 2, started)

    async def cancelled() -> None:
        slow = (await threads.create())["thread_id"]
        run = await runs.create(slow, "agent", input=SLOW)
        await runs.cancel(slow, run["run_id"], wait=True)
        check((await runs.get(slow, run["run_id"]))["status"] == "interrupted")

    async def many_cancelled() -> None:
        slow = (await threads.create())["thread_id"]
        run = await runs.create(slow, "agent", input=SLOW)
        await runs.cancel_many(thread_id=slow, run_ids=[run["run_id"]])
        await runs.join(slow, run["run_id"])
        check((await runs.get(slow, run["run_id"]))["status"] == "interrupted")

    async def thread_stream() -> None:
        quiet = (await threads.create())["thread_id"]

        async def first() -> str:
            async for part in await threads.join_stream(quiet):
                return str(part.event)
            return "nothing"

        joined = asyncio.create_task(first())
        await asyncio.sleep(0.3)
        await runs.wait(quiet, "echo", input=HELLO)
        check(await joined == "metadata", joined)

    async def streamed() -> None:
        async with sdk.threads.stream(assistant_id="agent") as one:
            await one.run.start(input=HELLO)
            parts = [message async for message in one.messages]
            check([str(await part.text) for part in parts] == ["hello"], parts)
            state = await one.output
            check(state["messages"][-1]["content"] == "hello", state)

    async def responded() -> None:
        async with sdk.threads.stream(assistant_id="agent") as one:
            await one.run.start(input={"messages": [{"role": "user", "content": "ask on?"}]})
            async for _ in one.values:
                pass
            check(one.interrupts[0]["value"] == {"question": "on?"}, one.interrupts)
            await one.run.respond("yes")
            state = await one.output
            check(state["messages"][-1]["content"] == "yes", state)

    async def pruned() -> None:
        check((await threads.prune([thread]))["pruned_count"] == 1)

    async def thread_deleted() -> None:
        await threads.delete(made["thread"])

    await row("runs.create", run_created)
    await row("runs.get", run_got)
    await row("runs.list", run_listed)
    await row("runs.joinStream", run_join_stream)
    await row("runs.join", run_joined)
    await row("runs.delete", run_deleted)
    await row("runs.createBatch", batch)
    await row("runs.cancel", cancelled)
    await row("runs.cancelMany", many_cancelled)
    await row("threads.joinStream", thread_stream)
    await row("threads.stream", streamed)
    await row("threads.stream, respond", responded)
    await row("threads.prune", pruned)
    await row("threads.delete", thread_deleted)
    json.dump(results, sys.stdout)


asyncio.run(main())
