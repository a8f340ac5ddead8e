"""What operators see: counters, and nothing for web pages of other origins."""

from server import Case, ask, hello, run


class Metrics(Case):
    def counted(self) -> dict[str, float]:
        reply = ask("GET", "/metrics")
        self.assertEqual(reply.status, 200)
        kind = "text/plain; version=0.0.4; charset=utf-8"
        self.assertEqual(reply.headers["content-type"], kind)
        lines = [line for line in reply.body.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def test_requests_and_runs_are_counted(self) -> None:
        run({"assistant_id": "echo", "input": hello()})
        before = self.counted()
        for _ in range(3):
            run({"assistant_id": "echo", "input": hello()})
        ask("GET", "/no/such/path")
        ask("GET", "/threads/x/state")
        after = self.counted()
        for name, more in (
            ('http_requests_total{method="POST",path="/runs/wait",status="200"}', 3),
            ('http_requests_total{method="GET",path="other",status="404"}', 1),
            ('http_requests_total{method="GET",path="/threads/{thread_id}/state",status="422"}', 1),
            ('http_request_duration_seconds_count{path="/runs/wait"}', 3),
            ('http_request_duration_seconds_bucket{path="/runs/wait",le="+Inf"}', 3),
            ('runs_total{status="success"}', 3),
        ):
            with self.subTest(name=name):
                # Other tests send requests at the same time.
                self.assertGreaterEqual(after[name] - before.get(name, 0), more)
        self.assertGreater(after["process_resident_memory_bytes"], 1e6)
        self.assertGreater(after["process_start_time_seconds"], 1e9)
        self.assertLessEqual({"runs_active", "streams_open"}, set(after))

    def test_pages_of_other_origins_may_not_use_the_server(self) -> None:
        asked = {"Origin": "http://page.example", "Access-Control-Request-Method": "POST"}
        for method, path in (("GET", "/ok"), ("OPTIONS", "/runs/wait")):
            headers = ask(method, path, None, asked).headers
            self.assertFalse([name for name in headers if name.startswith("access-control-")])

    def test_an_invalid_id_is_422_and_no_error_has_a_stack(self) -> None:
        for path in ("/threads/x", "/threads/x/runs", "/threads/x/runs/y", "/runs/x/stream"):
            reply = ask("GET", path)
            error = self.assert_error(reply, 422)
            self.assertEqual(error["errors"][0]["loc"][0], "path")
        failing = {"assistant_id": "agent", "input": hello("fail boom")}
        told = run(failing).body.decode()
        self.assertNotIn("Traceback", told)
        self.assertNotIn(" at ", told)
        self.assertNotIn(".py", told)
