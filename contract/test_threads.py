"""Threads: their fields, their state and its history."""

from typing import Any
from uuid import uuid4

from server import Case, hello, say, send

RUN = {"assistant_id": "echo", "input": hello("a")}


class Threads(Case):
    def test_a_thread_can_be_created_read_changed_and_deleted(self) -> None:
        thread_id = str(uuid4())
        body = {"thread_id": thread_id, "metadata": {"a": 1, "b": {"c": [1]}}}
        made = self.ok(send("POST", "/threads", body))
        self.assertLessEqual(body.items(), made.items())
        self.assertEqual((made["status"], made["values"], made["interrupts"]), ("idle", None, {}))
        path = f"/threads/{thread_id}"
        self.assertEqual(self.ok(send("GET", path)), made)
        self.assertEqual(self.ok(send("GET", path.upper().replace("/THREADS", "/threads"))), made)
        changed = self.ok(send("PATCH", path, {"metadata": {"a": 2, "d": None}}))
        self.assertEqual(changed["metadata"], {"a": 2, "b": {"c": [1]}, "d": None})
        self.assert_error(send("POST", "/threads", body), 409)
        self.assertEqual(
            self.ok(send("POST", "/threads", {**body, "if_exists": "do_nothing"})), changed
        )
        self.ok(send("DELETE", path), 204)
        self.assert_error(send("GET", path), 404)

    def test_an_unknown_thread_is_404_and_no_id_is_422(self) -> None:
        for method, end, body in (
            ("GET", "", None),
            ("PATCH", "", {}),
            ("DELETE", "", None),
            ("POST", "/copy", None),
            ("GET", "/state", None),
            ("GET", "/state/x", None),
            ("POST", "/state", {}),
            ("POST", "/state/checkpoint", {"checkpoint": {}}),
            ("POST", "/history", {}),
            ("GET", "/stream", None),
            ("GET", "/runs", None),
            ("POST", "/runs", RUN),
            ("POST", "/runs/wait", RUN),
            ("POST", "/runs/stream", RUN),
            ("GET", f"/runs/{uuid4()}", None),
            ("DELETE", f"/runs/{uuid4()}", None),
            ("GET", f"/runs/{uuid4()}/join", None),
            ("GET", f"/runs/{uuid4()}/stream", None),
            ("POST", f"/runs/{uuid4()}/cancel", None),
        ):
            with self.subTest(method=method, end=end):
                self.assert_error(send(method, f"/threads/{uuid4()}{end}", body), 404)
                self.assert_refused(send(method, f"/threads/x{end}", body), ["path", "thread_id"])

    def test_search_filters_sorts_and_pages(self) -> None:
        mark = str(uuid4())
        ids = [self.thread(metadata={"mark": mark, "n": n}).split("/")[2] for n in range(3)]
        self.ok(send("POST", f"/threads/{ids[1]}/runs/wait", RUN))

        def found(**body: object) -> list[str]:
            reply = send("POST", "/threads/search", {"metadata": {"mark": mark}, **body})
            return [one["thread_id"] for one in self.ok(reply)]

        self.assertEqual(found(), ids[::-1])
        self.assertEqual(found(sort_by="created_at", sort_order="asc"), ids)
        self.assertEqual(found(limit=1, offset=1), [ids[1]])
        self.assertEqual(found(ids=[ids[2].upper(), str(uuid4())]), [ids[2]])
        self.assertEqual(found(status="interrupted"), [])
        self.assertEqual(found(values={"messages": [{"content": "a"}]}), [ids[1]])
        self.assertEqual(found(metadata={"mark": mark, "n": 2}), [ids[2]])
        body = {"metadata": {"mark": mark}, "limit": 2, "select": ["thread_id"]}
        reply = send("POST", "/threads/search", body)
        self.assertEqual(self.ok(reply), [{"thread_id": ids[2]}, {"thread_id": ids[1]}])
        self.assertEqual(reply.headers["x-pagination-total"], "3")
        self.assertEqual(reply.headers["x-pagination-next"], "2")
        self.assertEqual(self.ok(send("POST", "/threads/count", {"metadata": {"mark": mark}})), 3)
        self.assert_refused(send("POST", "/threads/search", {"limit": 0}), ["body", "limit"])
        extract = {"extract": {"a": "values.a"}}
        self.assert_refused(send("POST", "/threads/search", extract), ["body", "extract"])

    def test_a_thread_ends_after_its_time(self) -> None:
        long = self.thread(ttl={"ttl": 60, "strategy": "delete"})
        told = self.ok(send("GET", f"{long}?include=ttl"))
        self.assertEqual(told["ttl"], {"strategy": "delete", "ttl_minutes": 60})
        short = self.thread(ttl={"ttl": 0.00001})
        while send("GET", short).status == 200:
            pass
        self.assert_error(send("GET", short), 404)

    def test_threads_can_be_pruned(self) -> None:
        kept, cut, gone = (self.thread() for _ in range(3))
        for path in (cut, gone):
            self.ok(send("POST", f"{path}/runs/wait", RUN))
        ids = [cut.split("/")[2], str(uuid4())]
        body: dict[str, object] = {"thread_ids": ids, "strategy": "keep_latest"}
        self.assertEqual(self.ok(send("POST", "/threads/prune", body)), {"pruned_count": 1})
        self.assertEqual(len(self.ok(send("POST", f"{cut}/history", {}))), 1)
        self.assertEqual(len(self.ok(send("GET", f"{cut}/state"))["values"]["messages"]), 2)
        body = {"thread_ids": [gone.split("/")[2]]}
        self.assertEqual(self.ok(send("POST", "/threads/prune", body)), {"pruned_count": 1})
        self.assert_error(send("GET", gone), 404)
        self.assertEqual(send("GET", kept).status, 200)


class States(Case):
    def ran(self) -> str:
        path = self.thread()
        self.ok(send("POST", f"{path}/runs/wait", RUN))
        return path

    def state(self, path: str, end: str = "") -> Any:
        return self.ok(send("GET", f"{path}/state{end}"))

    def test_a_new_thread_has_an_empty_state(self) -> None:
        path = self.thread()
        state = self.state(path)
        self.assertEqual((state["values"], state["next"], state["checkpoint"]), ({}, [], None))
        self.assertEqual(self.ok(send("POST", f"{path}/history", {})), [])
        self.assert_error(send("POST", f"{path}/state", {"values": {}}), 422)

    def test_the_state_after_a_run(self) -> None:
        path = self.ran()
        state = self.state(path)
        self.assertEqual([one["content"] for one in state["values"]["messages"]], ["a", "a"])
        self.assertEqual((state["next"], state["tasks"], state["interrupts"]), ([], [], []))
        self.assertEqual(state["checkpoint"]["thread_id"], path.split("/")[2])
        self.assertEqual(state["checkpoint"]["checkpoint_id"], state["checkpoint_id"])
        self.assertEqual(state["metadata"]["graph_id"], "echo")
        thread = self.ok(send("GET", path))
        self.assertEqual((thread["status"], thread["values"]), ("idle", state["values"]))
        self.assertEqual(self.state(path, "?select=next&select=values.none"), {"next": []})
        self.assertEqual(self.state(path, "?select=values.messages"), {"values": state["values"]})
        self.assert_error(send("GET", f"{path}/state?select=size"), 422)

    def test_the_history_is_newest_first_and_can_be_read_in_parts(self) -> None:
        path = self.ran()
        every = self.ok(send("POST", f"{path}/history", {"limit": 100}))
        self.assertEqual([one["next"] for one in every], [[], ["reply"], ["__start__"]])
        self.assertEqual(every[0], self.state(path))

        def history(**body: object) -> Any:
            return self.ok(send("POST", f"{path}/history", body))

        self.assertEqual(history(limit=1), every[:1])
        first = every[0]["checkpoint"]
        for before in (first, {"configurable": first}, first["checkpoint_id"]):
            self.assertEqual(history(before=before), every[1:])
        self.assertEqual(history(metadata={"source": "input"}), every[2:])
        self.assertEqual(history(limit=1, select=["next"]), [{"next": []}])
        wrong = {"before": {"thread_id": "x"}}
        self.assert_refused(send("POST", f"{path}/history", wrong), ["body", "before"])
        earlier = every[1]["checkpoint_id"]
        self.assertEqual(self.state(path, f"/{earlier}")["next"], ["reply"])
        body = {"checkpoint": every[1]["checkpoint"]}
        at = self.ok(send("POST", f"{path}/state/checkpoint", body))
        self.assertEqual(at["values"], every[1]["values"])
        missing = "1ef00000-0000-6000-8000-000000000000"
        self.assert_error(send("GET", f"{path}/state/{missing}"), 404)
        other = {"checkpoint": {"thread_id": str(uuid4()), "checkpoint_id": missing}}
        reply = send("POST", f"{path}/state/checkpoint", other)
        self.assert_refused(reply, ["body", "checkpoint", "thread_id"])

    def test_a_state_can_be_changed(self) -> None:
        path = self.ran()
        before = self.state(path)
        body = {"values": {"messages": [{"role": "user", "content": "b"}]}, "as_node": "reply"}
        made = self.ok(send("POST", f"{path}/state", body))
        state = self.state(path)
        self.assertEqual(state["checkpoint"], made["checkpoint"])
        self.assertEqual(len(state["values"]["messages"]), 3)
        self.assertEqual(state["parent_checkpoint"], before["checkpoint"])
        self.assertEqual(self.ok(send("GET", path))["values"], state["values"])
        fork = {**body, "checkpoint": before["checkpoint"]}
        self.ok(send("POST", f"{path}/state", fork))
        self.assertEqual(self.state(path)["parent_checkpoint"], before["checkpoint"])
        self.assert_error(send("POST", f"{path}/state", {**body, "as_node": "nobody"}), 422)

    def test_a_copy_has_the_history_and_is_independent(self) -> None:
        path = self.ran()
        copy = f"/threads/{self.ok(send('POST', f'{path}/copy'))['thread_id']}"
        self.assertNotEqual(copy, path)
        self.assertEqual(len(self.ok(send("POST", f"{copy}/history", {}))), 3)
        self.ok(send("POST", f"{copy}/runs/wait", RUN))
        self.assertEqual(len(self.state(copy)["values"]["messages"]), 4)
        self.assertEqual(len(self.state(path)["values"]["messages"]), 2)

    def test_a_thread_can_begin_with_states(self) -> None:
        values = {"messages": [{"role": "user", "content": "add 1 1"}]}
        steps = [{"updates": [{"values": values, "as_node": "__start__", "command": None}]}]
        path = self.thread(metadata={"graph_id": "agent"}, supersteps=steps)
        self.assertEqual(self.state(path)["next"], ["model"])
        done = self.ok(send("POST", f"{path}/runs/wait", {"assistant_id": "agent"}))
        self.assertEqual(done["messages"][-1]["content"], "2")
        self.assert_error(send("POST", "/threads", {"supersteps": steps}), 422)
        steps = [{"updates": [{"values": values, "as_node": "nobody"}]}]
        body = {"metadata": {"graph_id": "agent"}, "supersteps": steps}
        self.assert_error(send("POST", "/threads", body), 422)

    def test_a_busy_thread_refuses_changes_of_its_state(self) -> None:
        path = self.thread()
        run = self.ok(
            send("POST", f"{path}/runs", {"assistant_id": "agent", "input": say("wait 30")})
        )
        self.assertEqual(self.ok(send("GET", path))["status"], "busy")
        self.assert_error(send("POST", f"{path}/state", {"values": {"messages": []}}), 409)
        self.assert_error(send("DELETE", f"{path}/runs/{run['run_id']}"), 409)
        self.ok(send("DELETE", path), 204)
        self.assert_error(send("GET", path), 404)
