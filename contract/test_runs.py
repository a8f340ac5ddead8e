"""Runs: their results and events, on threads and without; cancelling, interrupts, busy threads."""

import json
import time
from typing import Any
from uuid import uuid4

from server import PATIENCE, Case, Event, Reply, ask, connect, hello, parsed, say, send


def agent(text: str, **more: object) -> dict[str, object]:
    return {"assistant_id": "agent", "input": say(text), **more}


def contents(state: Any) -> list[str]:
    return [one["content"] for one in state["messages"]]


class Waiting(Case):
    def test_an_agent_calls_its_tool(self) -> None:
        done = self.ok(send("POST", "/runs/wait", agent("add 2 3")))
        self.assertEqual([one["type"] for one in done["messages"]], ["human", "ai", "tool", "ai"])
        self.assertEqual(contents(done), ["add 2 3", "", "5", "5"])
        call = done["messages"][1]["tool_calls"][0]
        self.assertEqual((call["name"], call["args"]), ("add", {"a": 2, "b": 3}))
        self.assertEqual(done["messages"][2]["tool_call_id"], call["id"])

    def test_a_run_tells_where_it_is(self) -> None:
        path = self.thread()
        place = rf"^{path}/runs/[0-9a-f-]{{36}}"
        reply = send("POST", f"{path}/runs/wait", agent("a"))
        self.assertRegex(reply.headers["content-location"], f"{place}$")
        self.assertRegex(reply.headers["location"], f"{place}/join$")
        self.assertEqual(self.ok(send("GET", reply.headers["location"])), reply.json())
        self.assertRegex(
            send("POST", "/runs/wait", agent("a")).headers["content-location"],
            r"^/threads/[0-9a-f-]{36}/runs/[0-9a-f-]{36}$",
        )

    def test_a_thread_keeps_its_state_for_the_next_run(self) -> None:
        path = self.thread()
        self.ok(send("POST", f"{path}/runs/wait", agent("a")))
        done = self.ok(send("POST", f"{path}/runs/wait", agent("b", durability="sync")))
        self.assertEqual(contents(done), ["a", "a", "b", "b"])

    def test_a_missing_thread_can_be_made(self) -> None:
        path = f"/threads/{uuid4()}"
        self.assert_error(send("POST", f"{path}/runs/wait", agent("a")), 404)
        self.ok(send("POST", f"{path}/runs/wait", agent("a", if_not_exists="create")))
        self.assertEqual(self.ok(send("GET", path))["status"], "idle")

    def test_a_run_can_begin_at_a_checkpoint(self) -> None:
        path = self.thread()
        self.ok(send("POST", f"{path}/runs/wait", agent("a")))
        first = self.ok(send("GET", f"{path}/state"))["checkpoint"]
        self.ok(send("POST", f"{path}/runs/wait", agent("b")))
        for place in ({"checkpoint_id": first["checkpoint_id"]}, {"checkpoint": first}):
            done = self.ok(send("POST", f"{path}/runs/wait", agent("c", **place)))
            self.assertEqual(contents(done), ["a", "a", "c", "c"])

    def test_an_error_of_a_graph_is_in_the_answer(self) -> None:
        path = self.thread()
        for target in ("/runs/wait", f"{path}/runs/wait"):
            error = self.ok(send("POST", target, agent("fail boom")))["__error__"]
            self.assertEqual(error["message"], "boom")
            self.assertIsInstance(error["error"], str)
        thread = self.ok(send("GET", path))
        self.assertEqual((thread["status"], thread["error"]["message"]), ("error", "boom"))
        [run] = self.ok(send("GET", f"{path}/runs"))
        self.assertEqual(run["status"], "error")
        joined = self.ok(send("GET", f"{path}/runs/{run['run_id']}/join"))
        self.assertEqual(joined["__error__"]["message"], "boom")

    def test_what_can_not_be_honoured_is_refused_by_name(self) -> None:
        path = self.thread()
        cases: list[tuple[str, dict[str, object], list[str | int]]] = [
            ("/runs", {"webhook": "http://example.com/x"}, ["webhook"]),
            ("/runs", {"webhook": "http://127.0.0.1@example.com/x"}, ["webhook"]),
            ("/runs", {"webhook": "ftp://127.0.0.1/x"}, ["webhook"]),
            ("/runs", {"webhook": "/x"}, ["webhook"]),
            ("/runs", {"webhook": "http://[x/"}, ["webhook"]),
            ("/runs", {"webhook": "http://127.0.0.1/\n"}, ["webhook"]),
            ("/runs/wait", {"feedback_keys": ["a"]}, ["feedback_keys"]),
            ("/runs/stream", {"langsmith_tracer": {"project_name": "p"}}, ["langsmith_tracer"]),
            ("/runs/stream", {"stream_mode": "bogus"}, ["stream_mode"]),
            ("/runs/stream", {"stream_mode": ["values", "bogus"]}, ["stream_mode"]),
            ("/runs/wait", {"checkpoint_id": "x"}, ["checkpoint_id"]),
            ("/runs/wait", {"command": {"resume": 1}}, ["input"]),
            ("/runs/wait", {"interrupt_before": 1}, ["interrupt_before"]),
            ("/runs/wait", {"after_seconds": -1}, ["after_seconds"]),
            (f"{path}/runs", {"on_completion": "keep"}, ["on_completion"]),
            (f"{path}/runs", {"multitask_strategy": "x"}, ["multitask_strategy"]),
            (f"{path}/runs", {"command": {"goto": 7}, "input": None}, ["command", "goto"]),
            (f"{path}/runs", {"command": {"update": 7}, "input": None}, ["command", "update"]),
            (f"{path}/runs", {"checkpoint": {"thread_id": "x"}}, ["checkpoint", "thread_id"]),
            (
                f"{path}/runs",
                {"context": {"a": 1}, "config": {"configurable": {"a": 2}}},
                ["context"],
            ),
        ]
        for target, more, place in cases:
            with self.subTest(target=target, more=more):
                self.assert_refused(send("POST", target, agent("a", **more)), ["body", *place])
        self.assertEqual(self.ok(send("GET", f"{path}/runs")), [])

    def test_every_field_that_the_sdks_send_is_accepted(self) -> None:
        fields = {
            "config": {"recursion_limit": 25, "tags": ["t"], "configurable": {"k": 1}},
            "context": {"k": 1},
            "metadata": {"m": 1},
            "stream_mode": ["values", "updates"],
            "stream_subgraphs": False,
            "stream_resumable": False,
            "interrupt_before": [],
            "interrupt_after": None,
            "checkpoint_during": True,
            "durability": "async",
            "multitask_strategy": "enqueue",
            "if_not_exists": "reject",
            "on_disconnect": "continue",
            "after_seconds": 0,
            "strict_resume": False,
            "webhook": None,
            "feedback_keys": None,
        }
        for path in ("/runs/wait", f"{self.thread()}/runs/wait"):
            done = self.ok(send("POST", path, agent("a", **{**fields, "checkpoint_during": None})))
            self.assertEqual(contents(done), ["a", "a"])

    def test_a_thread_of_a_run_without_one_can_be_kept(self) -> None:
        for more, status in (
            ({}, 404),
            ({"on_completion": "delete"}, 404),
            ({"on_completion": "keep"}, 200),
        ):
            reply = send("POST", "/runs/wait", agent("a", **more))
            self.assertEqual(self.ok(reply) and reply.status, 200)
            thread = reply.headers["content-location"].split("/runs/")[0]
            self.assertEqual(send("GET", thread).status, status)

    def test_an_assistants_settings_are_used(self) -> None:
        body = {"graph_id": "echo", "config": {"recursion_limit": 1}}
        assistant = self.ok(send("POST", "/assistants", body))["assistant_id"]
        run: dict[str, object] = {"assistant_id": assistant, "input": hello()}
        self.assert_error(send("POST", "/runs/wait", run), 422)
        run["config"] = {"recursion_limit": 5}
        self.ok(send("POST", "/runs/wait", run))


class Streams(Case):
    def stream(self, text: str, mode: object, **more: object) -> list[Event]:
        return self.events(send("POST", "/runs/stream", agent(text, stream_mode=mode, **more)))

    def test_a_stream_begins_with_metadata_and_counts_its_events(self) -> None:
        path = self.thread()
        reply = send("POST", f"{path}/runs/stream", agent("a"))
        events = self.events(reply)
        self.assertEqual([one.name for one in events], ["metadata", "values", "values"])
        self.assertEqual([one.id for one in events], ["0", "1", "2"])
        place = reply.headers["content-location"]
        self.assertEqual(events[0].data, {"run_id": place.split("/")[-1], "attempt": 1})
        self.assertEqual(reply.headers["location"], f"{place}/stream")
        self.assertTrue(place.startswith(f"{path}/runs/"), place)
        self.assertEqual(contents(events[-1].data), ["a", "a"])
        self.assertEqual(reply.headers["x-accel-buffering"], "no")
        self.assertIn("no-store", reply.headers["cache-control"])
        stateless = send("POST", "/runs/stream", agent("a"))
        self.assertRegex(stateless.headers["location"], r"^/runs/[0-9a-f-]{36}/stream$")

    def test_each_mode_has_its_events(self) -> None:
        updates = self.stream("add 2 3", "updates")
        nodes = [list(one.data) for one in updates[1:]]
        self.assertEqual(nodes, [["model"], ["tools"], ["model"]])
        custom = self.stream("wait 0.2", ["custom"])
        self.assertEqual([one.data for one in custom[1:]], [{"tick": 1}, {"tick": 2}])
        tasks = self.stream("a", "tasks")
        self.assertEqual([one.data["name"] for one in tasks[1:]], ["model", "model"])
        checkpoints = self.stream("a", "checkpoints")
        self.assertEqual(checkpoints[-1].data["next"], [])
        debug = self.stream("a", "debug")
        self.assertLessEqual(
            {"checkpoint", "task", "task_result"}, {one.data["type"] for one in debug[1:]}
        )
        seen = self.stream("one two", "events")
        kinds = {one.data["event"] for one in seen[1:]}
        self.assertLessEqual({"on_chain_start", "on_chat_model_stream", "on_chain_end"}, kinds)

    def test_the_words_of_a_model_are_streamed(self) -> None:
        tuples = self.stream("one two three", "messages-tuple")
        parts = [one.data[0] for one in tuples[1:]]
        self.assertTrue(all(one["type"] == "AIMessageChunk" for one in parts))
        self.assertEqual("".join(one["content"] for one in parts), "one two three")
        self.assertGreaterEqual(len(parts), 3)
        self.assertTrue(all(one.data[1]["langgraph_node"] == "model" for one in tuples[1:]))
        whole = self.stream("one two three", "messages")
        partial = [one.data[0]["content"] for one in whole if one.name == "messages/partial"]
        self.assertEqual(partial[:3], ["one ", "one two ", "one two three"])
        self.assertEqual(whole[1].name, "messages/metadata")

    def test_several_modes_at_once(self) -> None:
        events = self.stream("wait 0.1", ["values", "updates", "custom", "messages-tuple"])
        names = {one.name for one in events}
        self.assertEqual(names, {"metadata", "values", "updates", "custom", "messages"})
        subgraphs = self.stream("a", ["updates"], stream_subgraphs=True)
        self.assertEqual([one.name for one in subgraphs], ["metadata", "updates"])

    def test_an_error_ends_the_stream(self) -> None:
        events = self.stream("fail boom", "values")
        self.assertEqual(events[-1].name, "error")
        self.assertEqual(events[-1].data["message"], "boom")

    def test_a_stream_can_be_joined_from_any_event(self) -> None:
        path = self.thread()
        run = self.ok(
            send("POST", f"{path}/runs", agent("wait 0.3", stream_mode=["values", "custom"]))
        )
        place = f"{path}/runs/{run['run_id']}/stream"

        def joined(query: str = "", **headers: str) -> list[Event]:
            return self.events(ask("GET", place + query, headers=headers))

        every = joined(**{"Last-Event-ID": "-1"})
        self.assertEqual(every[0].name, "metadata")
        self.assertEqual([one.id for one in every], [str(n) for n in range(len(every))])
        self.assertEqual(joined(**{"Last-Event-ID": "2"}), every[3:])
        custom = joined("?stream_mode=custom", **{"Last-Event-ID": "-1"})
        self.assertEqual([one.data for one in custom], [{"tick": 1}, {"tick": 2}, {"tick": 3}])
        self.assertEqual(joined(), [])
        wrong = ask("GET", place, headers={"Last-Event-ID": "x"})
        self.assert_refused(wrong, ["header", "Last-Event-ID"])

    def test_a_threads_stream_has_the_events_of_its_runs(self) -> None:
        path = self.thread()
        connection = connect()
        connection.request("GET", f"{path}/stream")
        response = connection.getresponse()
        self.ok(send("POST", f"{path}/runs/wait", agent("a")))
        text = b""
        while b"run_done" not in text:
            text += response.readline()
        text += response.readline()
        connection.close()
        events = parsed(text.decode())
        self.assertEqual([one.name for one in events], ["metadata", "values", "values", "run_done"])
        self.assertEqual(events[-1].data["status"], "success")


class Interrupts(Case):
    def waited(self, path: str, body: dict[str, object]) -> Any:
        return self.ok(send("POST", f"{path}/runs/wait", {"assistant_id": "agent", **body}))

    def test_an_interrupt_is_answered_by_a_command(self) -> None:
        path = self.thread()
        stopped = self.waited(path, {"input": say("ask Go on?")})
        [question] = stopped["__interrupt__"]
        self.assertEqual(question["value"], {"question": "Go on?"})
        self.assertEqual(contents(stopped), ["ask Go on?", ""])
        thread = self.ok(send("GET", path))
        self.assertEqual(thread["status"], "interrupted")
        [[told]] = thread["interrupts"].values()
        self.assertEqual(told, question)
        state = self.ok(send("GET", f"{path}/state"))
        self.assertEqual((state["next"], state["interrupts"]), (["tools"], [question]))
        self.assertEqual(state["tasks"][0]["interrupts"], [question])
        done = self.waited(path, {"command": {"resume": "yes"}, "strict_resume": True})
        self.assertEqual(contents(done)[2:], ["yes", "yes"])
        self.assertEqual(self.ok(send("GET", path))["status"], "idle")
        again = {"assistant_id": "agent", "command": {"resume": 1}, "strict_resume": True}
        reply = send("POST", f"{path}/runs/wait", again)
        self.assert_refused(reply, ["body", "command", "resume"])

    def test_an_interrupt_is_streamed(self) -> None:
        path = self.thread()
        body = agent("ask Go on?", stream_mode=["values", "updates"])
        events = self.events(send("POST", f"{path}/runs/stream", body))
        for name in ("values", "updates"):
            last = [one.data for one in events if one.name == name][-1]
            self.assertEqual(last["__interrupt__"][0]["value"], {"question": "Go on?"})

    def test_a_run_can_stop_before_and_after_nodes(self) -> None:
        for field, nodes, following in (
            ("interrupt_before", ["tools"], ["tools"]),
            ("interrupt_after", ["tools"], ["model"]),
            ("interrupt_before", "*", ["model"]),
        ):
            with self.subTest(field=field, nodes=nodes):
                path = self.thread()
                stopped = self.waited(path, {"input": say("add 2 3"), field: nodes})
                self.assertNotIn("__interrupt__", stopped)
                state = self.ok(send("GET", f"{path}/state"))
                self.assertEqual(state["next"], following)
                self.assertEqual(self.ok(send("GET", path))["status"], "interrupted")
                self.assertEqual(contents(self.waited(path, {}))[-1], "5")

    def test_a_command_can_change_the_state_and_go_to_a_node(self) -> None:
        path = self.thread()
        self.waited(path, {"input": say("a")})
        update = {"messages": [{"role": "user", "content": "add 1 2"}]}
        for change in (update, [["messages", update["messages"]]]):
            done = self.waited(path, {"command": {"update": change, "goto": "model"}})
            self.assertEqual(contents(done)[-1], "3")


class Background(Case):
    def start(self, path: str, text: str, **more: object) -> str:
        reply = send("POST", f"{path}/runs", agent(text, **more))
        run = self.ok(reply)
        self.assertEqual(reply.headers["content-location"], f"{path}/runs/{run['run_id']}")
        return f"{path}/runs/{run['run_id']}"

    def status(self, run: str) -> str:
        return str(self.ok(send("GET", run))["status"])

    def until(self, run: str, status: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while self.status(run) != status:
            self.assertLess(time.monotonic(), deadline, status)

    def test_a_run_can_be_followed_and_deleted(self) -> None:
        path = self.thread()
        run = self.start(path, "wait 0.2", metadata={"m": 1})
        self.assertEqual(contents(self.ok(send("GET", f"{run}/join")))[-1], "done")
        told = self.ok(send("GET", run))
        self.assertEqual((told["status"], told["metadata"]["m"]), ("success", 1))
        self.assertEqual(told["kwargs"]["input"], say("wait 0.2"))
        self.assertEqual(self.ok(send("GET", f"{path}/runs")), [told])
        self.ok(send("DELETE", run), 204)
        self.assert_error(send("GET", run), 404)
        self.assert_error(send("DELETE", run), 404)

    def test_runs_are_listed_newest_first(self) -> None:
        path = self.thread()
        runs = [self.start(path, text).split("/")[-1] for text in ("a", "b", "fail c")]
        for run in runs:
            send("GET", f"{path}/runs/{run}/join")

        def listed(query: str) -> list[str]:
            return [one["run_id"] for one in self.ok(send("GET", f"{path}/runs{query}"))]

        self.assertEqual(listed(""), runs[::-1])
        self.assertEqual(listed("?limit=1&offset=1"), [runs[1]])
        self.assertEqual(listed("?status=error"), [runs[2]])
        selected = self.ok(send("GET", f"{path}/runs?select=status&limit=1"))
        self.assertEqual(selected, [{"status": "error"}])
        self.assert_refused(send("GET", f"{path}/runs?status=x"), ["query", "status"])

    def test_a_batch_starts_several_runs(self) -> None:
        path = self.thread()
        body = [
            {**agent("a"), "thread_id": path.split("/")[2]},
            {"assistant_id": "echo", "assistantId": "echo", "input": hello()},
        ]
        made = self.ok(send("POST", "/runs/batch", body))
        self.assertEqual(made[0]["thread_id"], path.split("/")[2])
        run = f"{path}/runs/{made[0]['run_id']}"
        self.assertEqual(contents(self.ok(send("GET", f"{run}/join"))), ["a", "a"])
        reply = send("POST", "/runs/batch", [agent("a"), {"assistant_id": "agent", "x": 1}])
        self.assert_refused(reply, ["body", 1, "input"], ["body", 1, "x"])

    def test_a_run_without_a_thread_can_be_started_and_joined(self) -> None:
        reply = send("POST", "/runs", agent("wait 0.1"))
        run = self.ok(reply)
        place = reply.headers["content-location"]
        self.assertEqual(place, f"/runs/{run['run_id']}")
        reply = ask("GET", f"{place}/stream", headers={"Last-Event-ID": "-1"})
        self.assertEqual(contents(self.events(reply)[-1].data)[-1], "done")
        self.assert_error(send("GET", f"/runs/{uuid4()}/stream"), 404)

    def test_a_run_can_be_cancelled(self) -> None:
        path = self.thread()
        run = self.start(path, "wait 30")
        self.until(run, "running")
        reply = send("POST", f"{run}/cancel?wait=0&action=interrupt&reason=why")
        self.assertEqual((reply.status, reply.body), (202, b""))
        self.until(run, "interrupted")
        self.assertEqual(self.ok(send("GET", run))["cancel_reason"], "why")
        self.assert_error(send("POST", f"{run}/cancel"), 404)
        run = self.start(path, "wait 30")
        done = self.ok(send("POST", f"{run}/cancel?wait=1"))
        self.assertNotIn("__error__", done)
        self.assertEqual(self.status(run), "interrupted")
        self.assert_refused(send("POST", f"{run}/cancel?action=x"), ["query", "action"])

    def test_a_run_that_is_rolled_back_is_deleted_with_its_checkpoints(self) -> None:
        path = self.thread()
        self.ok(send("POST", f"{path}/runs/wait", agent("a")))
        before = self.ok(send("GET", f"{path}/state"))
        run = self.start(path, "wait 30")
        self.until(run, "running")
        self.ok(send("POST", f"{run}/cancel?wait=1&action=rollback"))
        self.assert_error(send("GET", run), 404)
        self.assertEqual(self.ok(send("GET", f"{path}/state")), before)
        thread = self.ok(send("GET", path))
        self.assertEqual((thread["status"], thread["values"]), ("idle", before["values"]))

    def test_many_runs_can_be_cancelled(self) -> None:
        path, other = self.thread(), self.thread()
        runs = [self.start(path, "wait 30") for _ in range(2)]
        kept = self.start(other, "wait 0.1")
        self.ok(
            send("POST", "/runs/cancel", {"thread_id": path.split("/")[2], "status": "all"}), 204
        )
        for run in runs:
            send("GET", f"{run}/join")
            self.assertEqual(self.status(run), "interrupted")
        send("GET", f"{kept}/join")
        self.assertEqual(self.status(kept), "success")
        self.assert_error(send("POST", "/runs/cancel", {"run_ids": [str(uuid4())]}), 404)
        self.assert_refused(send("POST", "/runs/cancel", {}), ["body"])

    def test_a_busy_thread(self) -> None:
        for strategy, ends in (
            ("enqueue", ["success", "success"]),
            (None, ["success", "success"]),
            ("interrupt", ["interrupted", "success"]),
            ("rollback", [None, "success"]),
        ):
            with self.subTest(strategy=strategy):
                path = self.thread()
                text = "wait 0.3" if ends[0] == "success" else "wait 30"
                first = self.start(path, text)
                self.until(first, "running")
                second = self.start(path, "b", multitask_strategy=strategy)
                state = self.ok(send("GET", f"{second}/join"))
                self.assertEqual(contents(state)[-1], "b")
                found = [send("GET", run) for run in (first, second)]
                statuses = [None if one.status == 404 else one.json()["status"] for one in found]
                self.assertEqual(statuses, ends)
        path = self.thread()
        first = self.start(path, "wait 30")
        reply = send("POST", f"{path}/runs", agent("b", multitask_strategy="reject"))
        self.assert_error(reply, 409)
        self.ok(send("DELETE", path), 204)

    def test_a_run_can_start_later(self) -> None:
        path = self.thread()
        run = self.start(path, "a", after_seconds=1.5)
        self.assertEqual(self.status(run), "pending")
        self.assertEqual(contents(self.ok(send("GET", f"{run}/join"))), ["a", "a"])

    def hang_up(self, body: dict[str, object]) -> tuple[str, Reply]:
        """Hang up after the first event. Return the run and the state of its thread."""
        path = self.thread()
        connection = connect()
        connection.request("POST", f"{path}/runs/stream", json.dumps(body).encode())
        response = connection.getresponse()
        response.readline()
        run = response.headers["content-location"]
        connection.close()
        response.close()
        send("GET", f"{run}/join")
        return self.status(run), send("GET", f"{path}/state")

    def test_a_run_is_cancelled_if_its_client_hangs_up(self) -> None:
        modes = ["custom", "values"]
        status, _ = self.hang_up(agent("wait 30", on_disconnect="cancel", stream_mode=modes))
        self.assertEqual(status, "interrupted")

    def test_a_run_goes_on_if_its_client_hangs_up(self) -> None:
        status, state = self.hang_up(agent("wait 0.5", stream_mode=["custom", "values"]))
        self.assertEqual(status, "success")
        self.assertEqual(contents(self.ok(state)["values"])[-1], "done")
