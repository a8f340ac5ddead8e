"""Assistants: graphs with a configuration, a name and versions."""

import unittest
from typing import Any
from uuid import UUID, uuid4, uuid5

from server import Case, hello, send

# The namespace in which the field derives an assistant's id from its graph's name.
SYSTEM = UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")
ECHO = str(uuid5(SYSTEM, "echo"))


class Assistants(Case):
    def created(self, **fields: object) -> Any:
        return self.ok(send("POST", "/assistants", {"graph_id": "echo", **fields}))

    def test_each_graph_has_an_assistant_by_id_and_by_name(self) -> None:
        for name in (ECHO, ECHO.upper(), "echo"):
            with self.subTest(name=name):
                assistant = self.ok(send("GET", f"/assistants/{name}"))
                self.assertEqual(assistant["assistant_id"], ECHO)
                self.assertEqual(assistant["graph_id"], "echo")
                self.assertEqual(assistant["metadata"], {"created_by": "system"})
        self.assert_error(send("DELETE", "/assistants/echo"), 409)

    def test_an_unknown_assistant_is_404_and_no_id_is_422(self) -> None:
        for method, end, body in (
            ("GET", "", None),
            ("PATCH", "", {}),
            ("DELETE", "", None),
            ("POST", "/versions", {}),
            ("POST", "/latest", {"version": 1}),
            ("GET", "/graph", None),
            ("GET", "/schemas", None),
            ("GET", "/subgraphs", None),
        ):
            with self.subTest(method=method, end=end):
                self.assert_error(send(method, f"/assistants/{uuid4()}{end}", body), 404)
                reply = send(method, f"/assistants/nobody{end}", body)
                self.assert_refused(reply, ["path", "assistant_id"])

    def test_a_new_assistant_has_what_was_sent(self) -> None:
        sent = {
            "metadata": {"a": [1]},
            "name": "Né",
            "description": "d",
            "assistant_id": str(uuid4()),
        }
        assistant = self.created(**sent, config={"tags": ["t"], "recursion_limit": 9})
        self.assertLessEqual(sent.items(), assistant.items())
        self.assertEqual(assistant["config"], {"tags": ["t"], "recursion_limit": 9})
        self.assertEqual((assistant["version"], assistant["context"]), (1, {}))
        self.assertEqual(
            self.ok(send("GET", f"/assistants/{assistant['assistant_id']}")), assistant
        )
        again = {"graph_id": "echo", "assistant_id": assistant["assistant_id"]}
        self.assert_error(send("POST", "/assistants", again), 409)
        self.assertEqual(self.created(**again, if_exists="do_nothing"), assistant)

    def test_context_and_configurable_are_the_same(self) -> None:
        for sent in ({"context": {"k": 1}}, {"config": {"configurable": {"k": 1}}}):
            assistant = self.created(**sent)
            self.assertEqual(assistant["context"], {"k": 1})
            self.assertEqual(assistant["config"], {"configurable": {"k": 1}})
        both = {"graph_id": "echo", "context": {"k": 1}, "config": {"configurable": {"k": 2}}}
        self.assert_refused(send("POST", "/assistants", both), ["body", "context"])

    def test_wrong_fields_are_named(self) -> None:
        cases: list[tuple[dict[str, object], list[list[str | int]]]] = [
            ({}, [["graph_id"]]),
            ({"graph_id": "echo", "more": 1}, [["more"]]),
            ({"graph_id": "echo", "assistant_id": "x"}, [["assistant_id"]]),
            ({"graph_id": "echo", "if_exists": "maybe"}, [["if_exists"]]),
            ({"graph_id": "echo", "metadata": []}, [["metadata"]]),
        ]
        for body, places in cases:
            with self.subTest(body=body):
                self.assert_refused(
                    send("POST", "/assistants", body), *[["body", *place] for place in places]
                )
        self.assert_error(send("POST", "/assistants", {"graph_id": "nobody"}), 404)

    def test_each_change_is_a_version(self) -> None:
        path = f"/assistants/{self.created(metadata={'a': 1}, name='one')['assistant_id']}"
        second = self.ok(send("PATCH", path, {"metadata": {"b": 2}, "name": "two"}))
        self.assertEqual((second["version"], second["name"]), (2, "two"))
        self.assertEqual(second["metadata"], {"a": 1, "b": 2})
        versions = self.ok(send("POST", f"{path}/versions", {}))
        self.assertEqual([one["version"] for one in versions], [2, 1])
        self.assertNotIn("updated_at", versions[0])
        page = {"limit": 1, "offset": 1}
        self.assertEqual(self.ok(send("POST", f"{path}/versions", page)), versions[1:])
        first = self.ok(send("POST", f"{path}/latest", {"version": 1}))
        self.assertEqual((first["version"], first["name"]), (1, "one"))
        self.assertEqual(self.ok(send("GET", path)), first)
        self.assertEqual(self.ok(send("PATCH", path, {}))["version"], 3)
        self.assert_error(send("POST", f"{path}/latest", {"version": 9}), 404)
        self.ok(send("DELETE", path), 204)
        self.assert_error(send("GET", path), 404)

    def test_the_threads_of_an_assistant_can_be_deleted_with_it(self) -> None:
        for query, status in (("", 200), ("?delete_threads=true", 404)):
            assistant = self.created()["assistant_id"]
            thread = self.thread()
            run: dict[str, object] = {"assistant_id": assistant, "input": hello()}
            self.ok(send("POST", f"{thread}/runs/wait", run))
            self.ok(send("DELETE", f"/assistants/{assistant}{query}"), 204)
            self.assertEqual(send("GET", thread).status, status)

    def test_search_filters_sorts_and_pages(self) -> None:
        mark = str(uuid4())
        made = [
            self.created(name=f"{name} {mark}", metadata={"mark": mark, "deep": {"n": n, "m": 0}})
            for n, name in enumerate("bca")
        ]
        ids = [one["assistant_id"] for one in made]

        def found(**body: object) -> list[str]:
            reply = send("POST", "/assistants/search", {"metadata": {"mark": mark}, **body})
            self.assertEqual(reply.headers["x-pagination-total"], "3")
            return [one["assistant_id"] for one in self.ok(reply)]

        self.assertEqual(found(), ids[::-1])
        self.assertEqual(found(sort_order="asc"), ids)
        self.assertEqual(found(sort_by="name", sort_order="asc"), [ids[2], ids[0], ids[1]])
        self.assertEqual(found(limit=2, offset=1), [ids[1], ids[0]])
        body: dict[str, object] = {"name": f"C {mark.upper()}", "select": ["name", "version"]}
        reply = send("POST", "/assistants/search", body)
        self.assertEqual(self.ok(reply), [{"name": f"c {mark}", "version": 1}])
        self.assertNotIn("x-pagination-next", reply.headers)
        first = send("POST", "/assistants/search", {"metadata": {"mark": mark}, "limit": 2})
        self.assertEqual(first.headers["x-pagination-next"], "2")
        deep = {"metadata": {"mark": mark, "deep": {"n": 1}}}
        self.assertEqual(self.ok(send("POST", "/assistants/count", deep)), 1)
        self.assertEqual(self.ok(send("POST", "/assistants/count", {"name": mark})), 3)
        for wrong in ({"limit": 0}, {"offset": -1}, {"sort_by": "size"}, {"select": ["size"]}):
            place: list[str | int] = ["body", *wrong]
            if "select" in wrong:
                place.append(0)
            self.assert_refused(send("POST", "/assistants/search", wrong), place)

    def test_an_assistants_graph_can_be_drawn(self) -> None:
        for query in ("", "?xray=true", "?xray=2"):
            drawing = self.ok(send("GET", f"/assistants/echo/graph{query}"))
            nodes = [one["id"] for one in drawing["nodes"]]
            self.assertEqual(sorted(nodes), ["__end__", "__start__", "reply"])
            self.assertIn({"source": "__start__", "target": "reply"}, drawing["edges"])
        self.assert_refused(send("GET", "/assistants/echo/graph?xray=x"), ["query", "xray"])
        schemas = self.ok(send("GET", f"/assistants/{ECHO}/schemas"))
        self.assertEqual(schemas["graph_id"], "echo")
        self.assertIn("messages", schemas["input_schema"]["properties"])
        self.assertEqual(self.ok(send("GET", "/assistants/echo/subgraphs?recurse=true")), {})

    def test_there_are_no_crons(self) -> None:
        reply = send("POST", "/runs/crons/search", {"limit": 5, "offset": 0})
        self.assertEqual((self.ok(reply), reply.headers["x-pagination-total"]), ([], "0"))


if __name__ == "__main__":
    unittest.main()
