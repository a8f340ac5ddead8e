"""The answers to valid requests."""

import json
from concurrent.futures import ThreadPoolExecutor

from server import Case, ask, connect, hello, run


class Operations(Case):
    def test_health(self) -> None:
        reply = ask("GET", "/health")
        self.assertEqual((reply.status, reply.json()), (200, {"status": "ok"}))
        self.assertEqual(reply.headers["content-type"], "application/json")

    def test_a_query_changes_nothing(self) -> None:
        self.assertEqual(ask("GET", "/health?x=1&/nope").status, 200)

    def test_an_unexpected_body_changes_nothing(self) -> None:
        self.assertEqual(ask("GET", "/health", b"{").status, 200)

    def test_info_describes_the_running_package(self) -> None:
        info = ask("GET", "/info").json()
        self.assertLessEqual({"name", "version", "commit", "graphs", "compat"}, set(info))
        self.assertIn("echo", info["graphs"])

    def test_a_run_of_echo_repeats_the_last_message(self) -> None:
        messages = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]
        for _ in range(2):
            reply = run({"assistant_id": "echo", "input": {"messages": messages}})
            self.assertEqual(reply.status, 200)
            echoed = {"messages": [*messages, {"role": "assistant", "content": "b"}]}
            self.assertEqual(reply.json(), echoed)
            self.assertEqual(reply.headers["content-type"], "application/json")

    def test_text_in_any_script_is_returned_unchanged(self) -> None:
        for text in ("", "žluťoučký 🐎", "\u0000 \\ \n \x7f", "\u2028\ufeff\ufffd", "__proto__"):
            with self.subTest(text=text):
                reply = run({"assistant_id": "echo", "input": hello(text)})
                self.assertEqual(reply.json()["messages"][1]["content"], text)

    def test_every_option_of_a_run_is_accepted(self) -> None:
        config = {"recursion_limit": 9, "tags": ["t"], "configurable": {"k": {"v": None}}}
        body = {"assistant_id": "echo", "input": hello(), "config": config, "metadata": {"m": 1}}
        self.assertEqual(run(body).status, 200)

    def test_null_is_the_same_as_a_missing_field(self) -> None:
        nothing = {"recursion_limit": None, "tags": None, "configurable": None}
        for config in (None, {}, nothing):
            with self.subTest(config=config):
                body = {"assistant_id": "echo", "input": hello(), "config": config}
                self.assertEqual(run({**body, "metadata": None}).status, 200)

    def test_unknown_fields_of_the_input_are_passed_to_the_graph(self) -> None:
        reply = run({"assistant_id": "echo", "input": {**hello(), "more": 1}})
        self.assertEqual(reply.status, 200)
        self.assertEqual(set(reply.json()), {"messages"})

    def test_any_content_type_is_accepted(self) -> None:
        body = json.dumps({"assistant_id": "echo", "input": hello()}).encode()
        for kind in ("application/json", "text/plain", "nonsense"):
            with self.subTest(kind=kind):
                reply = ask("POST", "/runs/wait", body, {"Content-Type": kind})
                self.assertEqual(reply.status, 200)

    def test_a_connection_serves_one_request_after_another(self) -> None:
        connection = connect()
        for path, status in (("/health", 200), ("/nope", 404), ("/runs/wait", 405), ("/info", 200)):
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            self.assertEqual(response.status, status)
        connection.close()

    def test_requests_at_the_same_time_get_their_own_answers(self) -> None:
        def echoed(number: int) -> str:
            reply = run({"assistant_id": "echo", "input": hello(f"text {number}")})
            content: str = reply.json()["messages"][1]["content"]
            return content

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(echoed, range(64)))
        self.assertEqual(answers, [f"text {number}" for number in range(64)])


class Spec(Case):
    def test_the_document_is_openapi_of_this_server(self) -> None:
        reply = ask("GET", "/openapi.json")
        self.assertEqual(reply.status, 200)
        document = reply.json()
        self.assertEqual(document["openapi"], "3.1.0")
        self.assertEqual(document["info"]["version"], ask("GET", "/info").json()["version"])
        operations = {
            (method.upper(), path)
            for path, methods in document["paths"].items()
            for method in methods
        }
        required = {
            ("GET", "/health"),
            ("GET", "/info"),
            ("GET", "/openapi.json"),
            ("POST", "/runs/wait"),
        }
        self.assertLessEqual(required, operations)

    def test_every_operation_documents_its_possible_statuses(self) -> None:
        paths = ask("GET", "/openapi.json").json()["paths"]
        for path, methods in paths.items():
            for method, operation in methods.items():
                with self.subTest(method=method, path=path):
                    statuses = set(operation["responses"])
                    self.assertLessEqual({"405", "500", "503"}, statuses)
                    self.assertTrue(statuses & {"200", "202", "204"}, statuses)
        run_answers = set(paths["/runs/wait"]["post"]["responses"])
        self.assertLessEqual({"400", "404", "413", "422"}, run_answers)
