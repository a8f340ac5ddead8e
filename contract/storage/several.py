"""Several servers that share a database: one of them executes a run, and another one if it dies.

    python3 contract/storage/several.py DB COMMAND...

COMMAND is the one of `restart.py`, whose classes are used here.
"""

import json
import sys
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self
from urllib.request import Request

sys.dont_write_bytecode = True

from restart import OPEN, PATIENCE, Server, Storage, wait_for  # noqa: E402


class Followed:
    """The events of a thread by the thread protocol."""

    def __init__(self, server: Server, thread: str, **more: object) -> None:
        body = {"channels": ["lifecycle", "values", "input"], **more}
        url = f"{server.url}{thread}/stream/events"
        request = Request(url, data=json.dumps(body).encode(), method="POST")
        self.response = OPEN(request, None, PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.response.close()

    def next(self, name: str) -> Any:
        """Return the data of the next event of this name."""
        found = None
        for line in self.response:
            if line.startswith(b"event: "):
                found = line[7:].strip().decode()
            elif line.startswith(b"data: ") and found == name:
                return json.loads(line[6:])["params"]["data"]
        raise AssertionError(f"the stream has ended without {name}")

    def rest(self) -> None:
        """Read to the end."""
        self.response.read()


class Several(Storage):
    """The tests of `Storage` are not repeated."""

    def several(self, number: int) -> list[Server]:
        """Start servers at the same time: only one of them can make the tables."""
        with ThreadPoolExecutor(number) as pool:
            started = list(pool.map(lambda _: Server(self.folder), range(number)))
        for one in started:
            self.addCleanup(one.kill)
        return started

    def steps(self, *servers: Server) -> list[str]:
        return [step for server in servers for step in server.steps()]

    def go(self, *servers: Server) -> None:
        for server in servers:
            (server.folder / "go").write_text("")

    def test_each_server_knows_what_the_others_do(self) -> None:
        one, other = self.several(2)
        thread, run = self.waiting(one)
        at = f"/threads/{thread}"
        self.assertEqual(other.get(at)["status"], "busy")
        self.assertEqual(other.get(f"{at}/runs/{run}")["status"], "running")
        body = {"assistant_id": "steps", "input": {"wait": False}}
        with self.assertRaisesRegex(AssertionError, "409"):
            other.post(f"{at}/runs", {**body, "multitask_strategy": "reject"})
        queued = other.post(f"{at}/runs", body)["run_id"]
        self.assertEqual([seen["run_id"] for seen in one.get(f"{at}/runs")], [queued, run])
        self.go(one, other)
        done = other.get(f"{at}/runs/{run}/join")
        self.assertEqual(done["done"], ["one", "two", "three"])
        self.assertEqual(len(one.get(f"{at}/runs/{queued}/join")["done"]), 6)
        self.assertEqual(other.get(at)["status"], "idle")
        self.assertEqual(self.steps(one, other), ["one", "two", "three"] * 2)
        item = {"namespace": ["a"], "key": "k", "value": {"x": 1}}
        one.call("PUT", "/store/items", item)
        self.assertEqual(other.get("/store/items?namespace=a&key=k")["value"], {"x": 1})
        one.call("DELETE", at)
        with self.assertRaisesRegex(AssertionError, "404"):
            other.get(at)

    def test_a_server_cancels_the_runs_of_another(self) -> None:
        one, other = self.several(2)
        thread, run = self.waiting(one)
        at = f"/threads/{thread}"
        other.post(f"{at}/runs/{run}/cancel?wait=true", {})
        for server in (one, other):
            self.assertEqual(server.get(f"{at}/runs/{run}")["status"], "interrupted")
        body = {"assistant_id": "steps", "input": {"wait": True}}
        second = one.post(f"{at}/runs", body)["run_id"]
        wait_for(lambda: one.steps().count("two") == 2, one.log)
        third = {"assistant_id": "steps", "input": {"wait": False}}
        more = other.post(f"{at}/runs", {**third, "multitask_strategy": "rollback"})["run_id"]
        other.get(f"{at}/runs/{more}/join")
        self.assertEqual([seen["run_id"] for seen in one.get(f"{at}/runs")], [more, run])
        last = one.post(f"{at}/runs", body)["run_id"]
        wait_for(lambda: one.get(f"{at}/runs/{last}")["status"] == "running", one.log)
        other.call("DELETE", at)
        self.assertEqual(one.post("/threads/count", {}), 0)
        self.assertNotIn(second, one.log())

    def test_each_server_shows_the_runs_of_the_others(self) -> None:
        one, other = self.several(2)
        thread = one.post("/threads", {})["thread_id"]
        at = f"/threads/{thread}"

        def sent(method: str, params: object) -> int:
            """Send a command to one server. Return where the events of its run begin."""
            body = {"id": 1, "method": method, "params": params}
            answer = one.post(f"{at}/commands", body)
            self.assertEqual(answer["type"], "success", answer)
            return int(answer["meta"]["applied_through_seq"])

        def begun(**given: object) -> int:
            return sent("run.start", {"assistant_id": "steps", "input": given})

        begun(wait=True)
        with Followed(other, at) as followed:
            self.assertEqual(followed.next("lifecycle")["event"], "running")
            self.go(one)
            self.assertEqual(followed.next("values")["done"], ["one", "two", "three"])
            self.assertEqual(followed.next("lifecycle")["event"], "completed")
            # A client goes on at the other server where this one's answer says.
            after = begun(ask=True)
            with Followed(other, at, since=after) as later:
                for stream in (followed, later):
                    self.assertEqual(stream.next("lifecycle")["event"], "running")
                    self.assertEqual(stream.next("values")["done"][3:], ["one"])
                    asked = stream.next("input.requested")
                    self.assertEqual(stream.next("lifecycle")["event"], "interrupted")
            answer = {"interrupt_id": asked["interrupt_id"], "response": "yes"}
            after = sent("input.respond", answer)
            # Runs that no command has started are shown too.
            one.post(f"{at}/runs", {"assistant_id": "steps", "input": {"ask": False}})
            with Followed(other, at, since=after) as later:
                events = [later.next("lifecycle")["event"] for _ in range(4)]
                self.assertEqual(events, ["running", "completed"] * 2)
            one.call("DELETE", at)
            followed.rest()

    def test_no_change_is_lost(self) -> None:
        servers = self.several(2)
        thread = servers[0].post("/threads", {})["thread_id"]
        mine = servers[1].post("/assistants", {"graph_id": "steps"})["assistant_id"]

        def change(number: int) -> None:
            server = servers[number % 2]
            body = {"metadata": {f"k{number}": number}}
            server.call("PATCH", f"/threads/{thread}", body)
            server.call("PATCH", f"/assistants/{mine}", body)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(change, range(20)))
        for server in servers:
            self.assertEqual(len(server.get(f"/threads/{thread}")["metadata"]), 20)
            assistant = server.get(f"/assistants/{mine}")
            self.assertEqual((len(assistant["metadata"]), assistant["version"]), (20, 21))

    def test_another_server_takes_the_runs_of_one_that_died(self) -> None:
        dead, *alive = self.several(3)
        body = {"assistant_id": "steps", "input": {"wait": True}}
        runs = []
        for _ in range(4):
            thread = dead.post("/threads", {})["thread_id"]
            runs.append(
                f"/threads/{thread}/runs/{dead.post(f'/threads/{thread}/runs', body)['run_id']}"
            )
        wait_for(lambda: dead.steps().count("two") == 4, dead.log)
        dead.kill()
        # Each is executed again by exactly one of the two others.
        wait_for(lambda: self.steps(*alive) == ["two"] * 4, alive[0].log)
        self.go(*alive)
        for run in runs:
            for server in alive:
                self.assertEqual(server.get(f"{run}/join")["done"], ["one", "two", "three"])
        self.assertEqual(Counter(self.steps(*alive)), {"two": 4, "three": 4})


if __name__ == "__main__":
    tests = unittest.TestSuite(
        Several(name) for name in dir(Several) if name.startswith("test_") and name in vars(Several)
    )
    sys.exit(not unittest.TextTestRunner().run(tests).wasSuccessful())
