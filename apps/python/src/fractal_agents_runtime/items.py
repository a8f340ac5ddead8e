"""The store: values by namespace and key, which graphs can use too."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from fractal_agents_runtime.call import Call, Reply, nothing
from fractal_agents_runtime.errors import refused

if TYPE_CHECKING:
    from fractal_agents_runtime.handlers import Runtime
    from fractal_agents_runtime.models import ItemPut, ItemSearch, NamespaceSearch
    from fractal_agents_runtime.records import Records

Json = dict[str, Any]
Key = tuple[tuple[str, ...], str]
MINUTE = 60.0
# langgraph does not allow its own name as the first label.
RESERVED = "langgraph"


class Items:
    """langgraph's own store, and when its values end."""

    def __init__(self, records: Records) -> None:
        self._journal = records
        # When a value ends, and the minutes after which it does.
        self._ends: dict[Key, tuple[float, float]] = {}

    def dump(self, key: str) -> Json | None:
        """Return when a value expires, for the storage."""
        ends = self._ends.get(_parsed(key))
        return None if ends is None else {"ends": ends}

    def load(self, key: str, saved: Json | None) -> None:
        """Load from the storage when a value expires."""
        if saved is None:
            self._ends.pop(_parsed(key), None)
        else:
            self._ends[_parsed(key)] = (saved["ends"][0], saved["ends"][1])

    @property
    def store(self) -> Any:
        """Langgraph's store, in which values that have ended may still be."""
        return self._journal.storage.store

    async def sweep(self) -> Any:
        """Delete the values that have ended, and return the store."""
        time_now = time.time()
        for key in [key for key, (end, _) in self._ends.items() if end <= time_now]:
            self.keep(key, None)
            await self.store.adelete(*key)
        return self.store

    def keep(self, key: Key, minutes: float | None) -> None:
        """Let a value end after these minutes. None: never."""
        if minutes is not None:
            self._ends[key] = (time.time() + minutes * MINUTE, minutes)
        elif self._ends.pop(key, None) is None:
            return
        self._journal.mark("end", json.dumps(key))

    def used(self, key: Key) -> None:
        """Restart the time to live of a value."""
        if key in self._ends:
            self.keep(key, self._ends[key][1])


def _parsed(key: str) -> Key:
    namespace, name = json.loads(key)
    return tuple(namespace), name


async def put(runtime: Runtime, call: Call) -> Reply:
    """Store a value."""
    body: ItemPut = call.body
    if body.namespace[0] == RESERVED:
        raise refused(f"must not be {RESERVED}", "body", "namespace", "0")
    key = (tuple(body.namespace), body.key)
    store = await runtime.items.sweep()
    await store.aput(*key, body.value)
    runtime.items.keep(key, body.ttl)
    return nothing()


async def get(runtime: Runtime, call: Call) -> Json | None:
    """Return a value, or null."""
    key = (tuple(call.query["namespace"].split(".")), call.query["key"])
    found = await (await runtime.items.sweep()).aget(*key)
    if found and call.query.get("refresh_ttl", True):
        runtime.items.used(key)
    return _json(found) if found else None


async def delete(runtime: Runtime, call: Call) -> Reply:
    """Delete a value. One that does not exist is deleted too."""
    key = (tuple(call.body.namespace), call.body.key)
    await (await runtime.items.sweep()).adelete(*key)
    runtime.items.keep(key, None)
    return nothing()


async def search(runtime: Runtime, call: Call) -> Json:
    """Return a page of the values below a namespace."""
    body: ItemSearch = call.body
    store = await runtime.items.sweep()
    found = await store.asearch(
        tuple(body.namespace_prefix), filter=body.filter, limit=body.limit, offset=body.offset
    )
    if body.refresh_ttl is not False:
        for one in found:
            runtime.items.used((one.namespace, one.key))
    return {"items": [{**_json(one), "score": one.score} for one in found]}


async def namespaces(runtime: Runtime, call: Call) -> Json:
    """Return a page of the namespaces."""
    body: NamespaceSearch = call.body
    store = await runtime.items.sweep()
    found = await store.alist_namespaces(
        prefix=tuple(body.prefix) if body.prefix else None,
        suffix=tuple(body.suffix) if body.suffix else None,
        max_depth=body.max_depth,
        limit=body.limit,
        offset=body.offset,
    )
    return {"namespaces": [list(one) for one in found]}


def _json(item: Any) -> Json:
    return {
        "namespace": list(item.namespace),
        "key": item.key,
        "value": item.value,
        "created_at": item.created_at.isoformat(),
        "updated_at": item.updated_at.isoformat(),
    }
