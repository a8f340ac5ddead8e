"""Invalid bodies."""

import json

from server import Case, ask, hello, run

MAX_BODY = 4 * 1024 * 1024
MAX_DEPTH = 200

RUN = {"assistant_id": "echo", "input": hello()}


def with_config(**config: object) -> dict[str, object]:
    return {**RUN, "config": config}


class Form(Case):
    def test_a_body_that_does_not_match_the_schema_is_422_with_the_wrong_fields(self) -> None:
        limit: list[str | int] = ["config", "recursion_limit"]
        cases: list[tuple[object, list[list[str | int]]]] = [
            ({}, [["assistant_id"], ["input"]]),
            ([], [[]]),
            ("text", [[]]),
            (None, [[]]),
            ({"assistant_id": "", "input": hello()}, [["assistant_id"]]),
            ({"assistant_id": 7, "input": []}, [["assistant_id"], ["input"]]),
            ({"assistant_id": None, "input": None}, [["assistant_id"], ["input"]]),
            ({"assistant_id": "echo"}, [["input"]]),
            ({**RUN, "x-unknown": "http://x"}, [["x-unknown"]]),
            ({"y": 1, "assistant_id": 1, "x": 1}, [["assistant_id"], ["input"], ["y"], ["x"]]),
            ({**RUN, "__proto__": {}, "": 1}, [["__proto__"], [""]]),
            ({**RUN, "config": []}, [["config"]]),
            ({**RUN, "metadata": "text"}, [["metadata"]]),
            (with_config(x_unknown="x"), [["config", "x_unknown"]]),
            (with_config(tags="t"), [["config", "tags"]]),
            (with_config(tags=["t", 1, None]), [["config", "tags", 1], ["config", "tags", 2]]),
            (with_config(configurable=[]), [["config", "configurable"]]),
            (with_config(recursion_limit=0), [limit]),
            (with_config(recursion_limit=10_001), [limit]),
            (with_config(recursion_limit=10**30), [limit]),
            (with_config(recursion_limit=1.5), [limit]),
            (with_config(recursion_limit="9"), [limit]),
            (with_config(recursion_limit=True), [limit]),
        ]
        for body, places in cases:
            with self.subTest(body=body):
                error = self.assert_error(run(body), 422)
                found = [field["loc"] for field in error["errors"]]
                self.assertEqual(found, [["body", *place] for place in places])

    def test_an_input_that_does_not_match_its_graph_is_422_with_the_wrong_fields(self) -> None:
        message = {"role": "user", "content": "hello"}
        cases: list[tuple[object, list[list[str | int]]]] = [
            ({}, [[]]),
            ({"messages": []}, [[]]),
            ({"messages": {}}, [[]]),
            ({"messages": ["text"]}, [[0]]),
            ({"messages": [{"role": "user"}]}, [[0, "content"]]),
            ({"messages": [message, {}]}, [[1, "role"], [1, "content"]]),
            ({"messages": [{**message, "role": "God"}]}, [[0, "role"]]),
            ({"messages": [{**message, "content": 7, "x": "n"}]}, [[0, "content"], [0, "x"]]),
        ]
        for value, places in cases:
            with self.subTest(input=value):
                error = self.assert_error(run({"assistant_id": "echo", "input": value}), 422)
                found = [field["loc"] for field in error["errors"]]
                self.assertEqual(found, [["body", "input", "messages", *place] for place in places])

    def test_a_whole_number_may_have_a_decimal_point(self) -> None:
        self.assertEqual(run(with_config(recursion_limit=9.0)).status, 200)

    def test_a_run_that_takes_too_many_steps_is_422_with_the_limit(self) -> None:
        error = self.assert_error(run(with_config(recursion_limit=1)), 422)
        self.assertEqual(error["detail"], "the run took too many steps")
        found = [field["loc"] for field in error["errors"]]
        self.assertEqual(found, [["body", "config", "recursion_limit"]])

    def test_an_unknown_assistant_is_404(self) -> None:
        for name in ("nobody", "constructor", "__proto__", "it's", '"', "Echo", "echo ", "\n"):
            with self.subTest(name=name):
                error = self.assert_error(run({"assistant_id": name, "input": {}}), 404)
                expected = f"no assistant '{name}'; /info lists the graphs"
                self.assertEqual(error["detail"], expected)


class Json(Case):
    def test_a_body_that_is_not_json_is_400(self) -> None:
        bodies = (
            b"",
            b" ",
            b"{",
            b"{}{}",
            b"{'a': 1}",
            b'{"a": 1,}',
            b"\xff\xfe",
            b"\xef\xbb\xbf{}",
            b'"\xed\xa0\x80"',
            b'"\n"',
            b"01",
            b"NaN",
            b'{"a": NaN}',
            b"-Infinity",
            b"[" * 9999,
            b'"\\ud800"',
            b'{"\\udc00": 1}',
            b"a=b",
            "{}".encode("utf-16"),
        )
        for body in bodies:
            with self.subTest(body=body[:20]):
                error = self.assert_error(ask("POST", "/runs/wait", body), 400)
                self.assertTrue(error["detail"].startswith("the body is not JSON"), error)

    def test_pairs_of_surrogates_are_characters(self) -> None:
        body = json.dumps({"assistant_id": "echo", "input": hello("🐎")}, ensure_ascii=True)
        self.assertIn("\\ud83d", body)
        self.assertEqual(ask("POST", "/runs/wait", body.encode()).status, 200)

    def test_the_last_value_of_a_repeated_field_counts(self) -> None:
        body = b'{"assistant_id": "a", "assistant_id": "b", "input": {}}'
        error = self.assert_error(ask("POST", "/runs/wait", body), 404)
        self.assertIn("'b'", error["detail"])

    def test_a_body_may_be_as_deep_as_the_limit_and_no_deeper(self) -> None:
        # The body and its input are two levels.
        for depth, status in ((MAX_DEPTH - 2, 404), (MAX_DEPTH - 1, 400), (100_000, 400)):
            with self.subTest(depth=depth):
                value = "[" * depth + "0" + "]" * depth
                body = f'{{"assistant_id": "nobody", "input": {{"m": {value}}}}}'.encode()
                self.assert_error(ask("POST", "/runs/wait", body), status)

    def test_a_body_may_be_as_large_as_the_limit_and_no_larger(self) -> None:
        empty = json.dumps({"assistant_id": "nobody", "input": {"m": ""}})
        fits = empty.replace('""', f'"{"x" * (MAX_BODY - len(empty))}"').encode()
        self.assertEqual(len(fits), MAX_BODY)
        self.assert_error(ask("POST", "/runs/wait", fits), 404)
        for more in (b" ", b" " * MAX_BODY):
            error = self.assert_error(ask("POST", "/runs/wait", fits + more), 413)
            self.assertEqual(error["detail"], f"the body has more than {MAX_BODY} bytes")

    def test_a_body_may_be_sent_in_chunks(self) -> None:
        half, rest = json.dumps(RUN).encode()[:9], json.dumps(RUN).encode()[9:]
        cases = (([half, rest], 200), ([half], 400), ([b" " * MAX_BODY, b" "], 413))
        for chunks, status in cases:
            with self.subTest(status=status):
                sent = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*chunks, b""))
                headers = {"Transfer-Encoding": "chunked"}
                self.assertEqual(ask("POST", "/runs/wait", sent, headers).status, status)
