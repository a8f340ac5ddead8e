"""The thread protocol: commands for a thread, and the stream of its events."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from server import Case, Event, connect, parsed, say, send

ALL = (
    "values",
    "updates",
    "messages",
    "tools",
    "lifecycle",
    "input",
    "checkpoints",
    "tasks",
    "custom",
)
ENDS = ("completed", "failed", "interrupted")


def ends(event: Event) -> bool:
    """Tell whether an event is the end of a run."""
    params = event.data["params"]
    is_end = event.name == "lifecycle" and params["data"]["event"] in ENDS
    return is_end and params["namespace"] == []


def data(events: list[Event], name: str) -> list[Any]:
    return [one.data["params"]["data"] for one in events if one.name == name]


class Protocol(Case):
    """Sends commands to a thread, and reads its events."""

    def setUp(self) -> None:
        self.path = self.thread()

    def sent(self, method: str, params: object = None) -> Any:
        """Send a command. Return the answer."""
        body = {"id": 7, "method": method, "params": params}
        return self.ok(send("POST", f"{self.path}/commands", body))

    def done(self, method: str, params: object) -> Any:
        """Send a command that succeeds. Return its result."""
        answer = self.sent(method, params)
        self.assertEqual((answer["type"], answer["id"]), ("success", 7), answer)
        return answer["result"]

    def started(self, text: str, **more: object) -> str:
        """Start a run. Return its path."""
        params = {"assistant_id": "agent", "input": say(text), **more}
        return f"{self.path}/runs/{self.done('run.start', params)['run_id']}"

    def assert_refused_command(self, method: str, params: object, code: str, word: str) -> None:
        """Check the answer to a command that can't be executed."""
        answer = self.sent(method, params)
        found = (answer["type"], answer["id"], answer["error"])
        self.assertEqual(found, ("error", 7, code), answer)
        self.assertIn(word, answer["message"])

    def follow(self, until: Callable[[Event], bool] = ends, **filters: object) -> list[Event]:
        """Read events until one of them is the last that is wanted."""
        connection = connect()
        body = json.dumps({"channels": ALL, **filters}).encode()
        connection.request("POST", f"{self.path}/stream/events", body)
        response = connection.getresponse()
        self.assertEqual(response.status, 200)
        kind = response.headers["content-type"]
        self.assertEqual(kind, "text/event-stream; charset=utf-8")
        events: list[Event] = []
        text = ""
        while not events or not until(events[-1]):
            line = response.readline().decode()
            self.assertTrue(line, "the stream has ended")
            text += line
            if not line.strip():
                events += parsed(text)
                text = ""
        connection.close()
        response.close()
        return events


class Events(Protocol):
    def test_a_run_has_events_of_all_channels(self) -> None:
        self.started("add 2 3")
        events = self.follow()
        numbers = [one.data["seq"] for one in events]
        self.assertEqual(numbers, sorted(set(numbers)))
        for one in events:
            self.assertEqual(one.data["type"], "event")
            self.assertEqual(one.data["method"], one.name)
            self.assertEqual(str(one.data["seq"]), one.id)
            self.assertEqual(one.data["params"]["namespace"], [])
            self.assertIsInstance(one.data["params"]["timestamp"], int)
        found = [one["event"] for one in data(events, "lifecycle")]
        self.assertEqual(found, ["running", "completed"])
        last = data(events, "values")[-1]["messages"]
        self.assertEqual([one["content"] for one in last], ["add 2 3", "", "5", "5"])
        updates = data(events, "updates")
        self.assertEqual([one["node"] for one in updates], ["model", "tools", "model"])
        self.assertEqual(updates[1]["values"]["messages"][0]["content"], "5")
        tasks = data(events, "tasks")
        self.assertEqual([("result" in one) for one in tasks], [False, True] * 3)
        checkpoint = data(events, "checkpoints")[-1]
        state = self.ok(send("GET", f"{self.path}/state"))
        self.assertEqual(checkpoint["id"], state["checkpoint"]["checkpoint_id"])
        self.assertEqual(checkpoint["source"], "loop")

    def test_the_ids_of_a_runs_begin_and_end_name_it(self) -> None:
        for text in ("a", "b"):
            run = self.started(text).rsplit("/", 1)[1]
            for one in self.follow():
                begin = f"synth:{run}:" if one.name == "lifecycle" else ""
                self.assertEqual(one.data["event_id"], f"{begin}{one.id}")

    def test_messages_come_in_parts(self) -> None:
        self.started("hello big world")
        events = data(self.follow(), "messages")
        kinds = [one["event"] for one in events]
        self.assertEqual(kinds[:2], ["message-start", "content-block-start"])
        self.assertEqual(kinds[-2:], ["content-block-finish", "message-finish"])
        self.assertEqual(events[0]["role"], "ai")
        self.assertEqual({one["id"] for one in events}, {events[0]["id"]})
        parts = [one["delta"]["text"] for one in events if one["event"] == "content-block-delta"]
        self.assertEqual(parts, ["hello ", "big ", "world"])
        last = self.ok(send("GET", f"{self.path}/state"))["values"]["messages"][-1]
        self.assertEqual((last["id"], last["content"]), (events[0]["id"], "hello big world"))

    def test_a_tools_call_comes_in_blocks(self) -> None:
        self.started("add 2 3")
        finished = [
            one["content"]
            for one in data(self.follow(), "messages")
            if one["event"] == "content-block-finish"
        ]
        self.assertEqual([one["type"] for one in finished], ["tool_call", "text"])
        self.assertEqual((finished[0]["name"], finished[0]["args"]), ("add", {"a": 2, "b": 3}))

    def test_nodes_write_events_of_their_own(self) -> None:
        self.started("wait 0.2")
        custom = data(self.follow(channels=["custom", "lifecycle"]), "custom")
        self.assertEqual(custom, [{"payload": {"tick": 1}}, {"payload": {"tick": 2}}])

    def test_a_client_gets_only_what_it_wants(self) -> None:
        self.started("wait 0.2")
        wanted = ["updates", "lifecycle"]
        events = self.follow(channels=wanted, namespaces=[[]], depth=0)
        self.assertEqual({one.name for one in events}, set(wanted))

    def test_several_clients_read_at_once(self) -> None:
        self.started("a")
        first = self.follow()
        self.assertEqual(self.follow(), first)

    def test_a_client_reads_on_after_an_event(self) -> None:
        self.started("a")
        events = self.follow()
        since = events[3].data["seq"]
        self.assertEqual(self.follow(since=since), events[4:])
        self.started("b")
        later = self.follow(since=since)
        self.assertEqual(later, events[4:])

    def test_by_default_events_begin_with_the_last_command_for_a_run(self) -> None:
        self.started("a")
        first = self.follow()
        answer = self.sent("run.start", {"assistant_id": "agent", "input": say("b")})
        seq = answer["meta"]["applied_through_seq"]
        self.assertGreaterEqual(seq, first[-1].data["seq"])
        second = self.follow()
        self.assertGreater(second[0].data["seq"], seq)
        self.assertEqual(self.follow(since=seq), second)
        self.assertEqual(self.follow(since=0), first)

    def test_a_stream_ends_with_its_thread(self) -> None:
        connection = connect()
        connection.request("POST", f"{self.path}/stream/events", b'{"channels":["values"]}')
        response = connection.getresponse()
        self.ok(send("DELETE", self.path), 204)
        self.assertEqual(response.read().replace(b": heartbeat\r\n\r\n", b""), b"")

    def test_wrong_filters_are_refused(self) -> None:
        path = f"{self.path}/stream/events"
        for wrong, place in (
            ({}, ["channels"]),
            ({"channels": ["nope"]}, ["channels", 0]),
            ({"channels": [], "depth": -1}, ["depth"]),
            ({"channels": [], "since": "1"}, ["since"]),
            ({"channels": [], "namespaces": ["a"]}, ["namespaces", 0]),
            ({"channels": [], "more": 1}, ["more"]),
        ):
            self.assert_refused(send("POST", path, wrong), ["body", *place])
        missing = send("POST", f"/threads/{uuid4()}/stream/events", {"channels": []})
        self.assert_error(missing, 404)


class Runs(Protocol):
    def test_a_run_is_like_others(self) -> None:
        run = self.started("a", metadata={"m": 1}, config={"configurable": {"c": 1}})
        self.follow()
        found = self.ok(send("GET", run))
        self.assertEqual((found["status"], found["metadata"]["m"]), ("success", 1))
        self.assertEqual(found["kwargs"]["config"]["configurable"], {"c": 1})
        self.assertEqual(self.ok(send("GET", f"{self.path}/runs")), [found])
        state = self.ok(send("GET", f"{self.path}/state"))
        self.assertEqual(self.ok(send("GET", f"{run}/join")), state["values"])

    def test_a_missing_thread_is_made(self) -> None:
        self.path = f"/threads/{uuid4()}"
        self.started("a")
        self.follow()
        self.assertEqual(self.ok(send("GET", self.path))["status"], "idle")

    def test_a_failed_run_ends_with_its_error(self) -> None:
        self.started("fail bad luck")
        last = data(self.follow(), "lifecycle")[-1]
        self.assertEqual((last["event"], last["error"]), ("failed", "bad luck"))

    def test_a_run_can_be_cancelled(self) -> None:
        run = self.started("wait 30")
        self.follow(until=lambda event: event.name == "custom")
        self.ok(send("POST", f"{run}/cancel?wait=true"))
        self.assertEqual(data(self.follow(), "lifecycle")[-1]["event"], "interrupted")

    def test_runs_wait_for_each_other(self) -> None:
        first = self.started("wait 0.3")
        second = self.started("b", multitask_strategy="enqueue", multitaskStrategy="enqueue")
        events = self.follow(since=0)
        events += self.follow(since=events[-1].data["seq"])
        found = [one["event"] for one in data(events, "lifecycle")]
        self.assertEqual(found, ["running", "completed"] * 2)
        for run in (first, second):
            self.assertEqual(self.ok(send("GET", run))["status"], "success")

    def test_a_run_can_interrupt_others(self) -> None:
        first = self.started("wait 30")
        self.started("b", multitask_strategy="interrupt")
        found = self.ok(send("GET", f"{self.path}/runs/{first.rsplit('/', 1)[1]}/join"))
        self.assertNotIn("__error__", found)
        self.assertEqual(self.ok(send("GET", first))["status"], "interrupted")

    def test_a_busy_thread_can_be_refused(self) -> None:
        run = self.started("wait 30")
        params = {
            "assistant_id": "agent",
            "input": say("b"),
            "multitask_strategy": "reject",
        }
        body = {"id": 1, "method": "run.start", "params": params}
        self.assert_error(send("POST", f"{self.path}/commands", body), 409)
        self.ok(send("POST", f"{run}/cancel?wait=true"))

    def test_a_run_can_begin_at_a_checkpoint(self) -> None:
        self.started("a")
        self.follow()
        first = self.ok(send("GET", f"{self.path}/state"))["checkpoint"]["checkpoint_id"]
        self.started("b")
        self.follow()
        self.started("c", config={"configurable": {"checkpoint_id": first}})
        last = data(self.follow(), "values")[-1]["messages"]
        self.assertEqual([one["content"] for one in last], ["a", "a", "c", "c"])


class OtherRuns(Protocol):
    """Runs that no command has started."""

    def other(self, text: str) -> str:
        """Start a run. Return its path."""
        body = {"assistant_id": "agent", "input": say(text), "stream_mode": "updates"}
        return f"{self.path}/runs/{self.ok(send('POST', f'{self.path}/runs', body))['run_id']}"

    def test_their_begin_values_and_end_are_shown(self) -> None:
        self.started("a")
        first = self.follow()
        self.other("add 2 3")
        events = self.follow()
        self.assertGreater(events[0].data["seq"], first[-1].data["seq"])
        self.assertEqual({one.name for one in events}, {"lifecycle", "values"})
        found = [one["event"] for one in data(events, "lifecycle")]
        self.assertEqual(found, ["running", "completed"])
        contents = [
            [message["content"] for message in one["messages"]] for one in data(events, "values")
        ]
        self.assertEqual([len(one) for one in contents], [3, 4, 5, 6])
        self.assertEqual(contents[-1], ["a", "a", "add 2 3", "", "5", "5"])

    def test_what_they_wait_for_can_be_answered(self) -> None:
        self.done("state.get", {})
        self.other("ask Go on?")
        events = self.follow()
        self.assertEqual(data(events, "lifecycle")[-1]["event"], "interrupted")
        [asked] = data(events, "input.requested")
        answer = {"interrupt_id": asked["interrupt_id"], "response": "yes"}
        self.done("input.respond", answer)
        self.assertEqual(data(self.follow(), "lifecycle")[-1]["event"], "completed")

    def test_one_that_runs_already_is_shown(self) -> None:
        run = self.other("wait 30")
        path = f"{run}/stream?stream_mode=custom"
        connection = connect()
        connection.request("GET", path)
        self.assertEqual(connection.getresponse().status, 200)
        while self.ok(send("GET", run))["status"] == "pending":
            pass
        [running] = self.follow(lambda event: event.name == "lifecycle")
        self.assertEqual(running.data["params"]["data"]["event"], "running")
        self.ok(send("POST", f"{run}/cancel?wait=true"))
        self.assertEqual(data(self.follow(), "lifecycle")[-1]["event"], "interrupted")
        connection.close()


class Interrupts(Protocol):
    def asked(self) -> Any:
        """Start a run that asks. Return what it asks."""
        self.started("ask Go on?")
        events = self.follow()
        self.assertEqual(data(events, "lifecycle")[-1]["event"], "interrupted")
        [asked] = data(events, "input.requested")
        self.assertEqual(asked["payload"], {"question": "Go on?"})
        self.assertEqual(asked["value"], asked["payload"])
        return asked["interrupt_id"]

    def assert_answered(self) -> None:
        events = self.follow()
        self.assertEqual(data(events, "lifecycle")[-1]["event"], "completed")
        last = data(events, "values")[-1]["messages"]
        self.assertEqual([one["content"] for one in last], ["ask Go on?", "", "yes", "yes"])

    def test_an_interrupt_is_answered(self) -> None:
        answer = {"namespace": [], "interrupt_id": self.asked(), "response": "yes"}
        more = {"metadata": {"m": 2}, "strict_resume": True}
        run = self.done("input.respond", {**answer, **more})["run_id"]
        self.assert_answered()
        self.assertEqual(self.ok(send("GET", f"{self.path}/runs/{run}"))["metadata"]["m"], 2)
        self.assert_refused_command("input.respond", answer, "no_such_interrupt", "wait")

    def test_several_interrupts_are_answered_at_once(self) -> None:
        one = {"namespace": [], "interrupt_id": self.asked(), "response": "yes"}
        self.done("input.respond", {"responses": [one]})
        self.assert_answered()

    def test_an_input_is_the_answer_to_an_interrupt(self) -> None:
        self.asked()
        self.done("run.start", {"assistant_id": "agent", "input": "yes"})
        self.assert_answered()

    def test_an_answer_can_change_the_state(self) -> None:
        answer = {"interrupt_id": self.asked(), "response": "yes"}
        update = {"messages": [{"role": "user", "content": "more"}]}
        self.done("input.respond", {**answer, "update": update})
        last = data(self.follow(), "values")[-1]["messages"]
        self.assertIn("more", [one["content"] for one in last])

    def test_wrong_answers_are_refused(self) -> None:
        answer = {"interrupt_id": "nope", "response": 1}
        self.assert_refused_command("input.respond", answer, "no_such_interrupt", "nope")
        asked = {"interrupt_id": self.asked(), "response": 1}
        self.assert_refused_command("input.respond", answer, "no_such_interrupt", "nope")
        for wrong, word in (
            ({}, "params.responses"),
            ({"responses": []}, "params.responses"),
            ({**asked, "more": 1}, "params.more"),
            ({**asked, "goto": 1}, "goto"),
            ({"responses": [{"response": 1}]}, "params.responses.0.interrupt_id"),
        ):
            self.assert_refused_command("input.respond", wrong, "invalid_argument", word)


class Commands(Protocol):
    def test_the_state_can_be_read(self) -> None:
        self.assertEqual(self.done("state.get", {"namespace": []})["values"], {})
        self.started("a")
        self.follow()
        state = self.ok(send("GET", f"{self.path}/state"))
        place = {"id": state["checkpoint"]["checkpoint_id"], "ns": ""}
        found = {"values": state["values"], "checkpoint": place}
        self.assertEqual(self.done("state.get", {"namespace": []}), found)
        self.assertEqual(self.done("state.get", {"keys": ["no"]})["values"], {})
        unknown = {"namespace": ["no"]}
        self.assert_refused_command("state.get", unknown, "no_such_namespace", "no")

    def test_unknown_commands_are_refused(self) -> None:
        self.assert_refused_command("nope", {}, "unknown_command", "nope")
        for method in ("agent.getTree", "state.fork", "subscription.subscribe"):
            self.assert_refused_command(method, {}, "not_supported", method)

    def test_wrong_parameters_are_refused(self) -> None:
        right: dict[str, object] = {"assistant_id": "agent", "input": say("a")}
        for wrong, word in (
            ({"input": {}}, "params.assistant_id"),
            ({**right, "assistant_id": "nope"}, "nope"),
            ({**right, "input": 1}, "params.input"),
            ({**right, "more": 1}, "params.more"),
            ({**right, "config": {"more": 1}}, "params.config.more"),
            ({**right, "metadata": 1}, "params.metadata"),
            ({**right, "multitask_strategy": "no"}, "params.multitask_strategy"),
            ({**right, "langsmith_tracer": {}}, "params.langsmith_tracer"),
            (
                {
                    **right,
                    "multitask_strategy": "enqueue",
                    "multitaskStrategy": "reject",
                },
                "params.multitaskStrategy",
            ),
        ):
            self.assert_refused_command("run.start", wrong, "invalid_argument", word)
        unread: tuple[dict[str, object], ...] = ({"keys": 1}, {"namespace": ""}, {"more": 1})
        for wrong in unread:
            self.assert_refused_command("state.get", wrong, "invalid_argument", "params.")

    def test_what_is_no_command_is_refused(self) -> None:
        path = f"{self.path}/commands"
        self.assert_refused(send("POST", path, {"method": "a"}), ["body", "id"])
        self.assert_refused(send("POST", path, {"id": -1, "method": "a"}), ["body", "id"])
        self.assert_refused(send("POST", path, {"id": 1}), ["body", "method"])
        reply = send("POST", "/threads/nope/commands", {"id": 1, "method": "a"})
        self.assert_refused(reply, ["path", "thread_id"])
