"""Unknown paths, and methods that a path does not support."""

from server import Case, ask

PATHS = ("/health", "/info", "/openapi.json", "/runs/wait")


class Paths(Case):
    def test_an_unknown_path_is_404(self) -> None:
        paths = (
            "/nope",
            "/runs/wait/x",
            "/runs/wait//",
            "/runs//wait",
            "/Health",
            "//health",
            "/%ff",
            "/%00",
            "/nope?/health",
            "/health;x",
            "/*",
            "/:path",
            "/constructor",
        )
        for path in paths:
            for method in ("GET", "POST", "OPTIONS", "DELETE"):
                with self.subTest(method=method, path=path):
                    error = self.assert_error(ask(method, path), 404)
                    self.assertEqual(error["detail"], "no such path; /openapi.json lists the paths")

    def test_a_slash_at_the_end_makes_no_difference(self) -> None:
        self.assertEqual(ask("GET", "/health/").status, 200)
        allow = ask("OPTIONS", "/runs/wait").headers["allow"]
        self.assertEqual(ask("OPTIONS", "/runs/wait/").headers["allow"], allow)

    def test_a_wrong_method_is_405_with_allow(self) -> None:
        cases = (
            ("POST", "/health", "GET, HEAD, OPTIONS"),
            ("DELETE", "/info", "GET, HEAD, OPTIONS"),
            ("PUT", "/openapi.json", "GET, HEAD, OPTIONS"),
            ("TRACE", "/health", "GET, HEAD, OPTIONS"),
            ("GET", "/runs/wait", "OPTIONS, POST"),
            ("PATCH", "/runs/wait", "OPTIONS, POST"),
        )
        for method, path, allow in cases:
            with self.subTest(method=method, path=path):
                reply = ask(method, path)
                error = self.assert_error(reply, 405)
                allowed = reply.headers["allow"]
                self.assertLessEqual(set(allow.split(", ")), set(allowed.split(", ")))
                self.assertEqual(error["detail"], f"{path} has no {method}, only {allowed}")

    def test_options_lists_the_methods_of_a_path(self) -> None:
        for path in PATHS:
            with self.subTest(path=path):
                reply = ask("OPTIONS", path)
                self.assertEqual((reply.status, reply.body), (204, b""))
                # RFC 9110, 8.6: no Content-Length in a 204.
                self.assertNotIn("content-length", reply.headers)
                self.assertNotIn("content-type", reply.headers)
                self.assertEqual(reply.headers["allow"], ask("TRACE", path).headers["allow"])

    def test_head_has_the_headers_of_get_and_no_body(self) -> None:
        for path in (*PATHS, "/nope"):
            with self.subTest(path=path):
                head, get = ask("HEAD", path), ask("GET", path)
                self.assertEqual((head.status, head.body), (get.status, b""))
                self.assertEqual(head.headers["content-type"], get.headers["content-type"])
                self.assertEqual(head.headers.get("allow"), get.headers.get("allow"))
                if get.status != 405:  # the body of a 405 contains the method
                    length = head.headers["content-length"]
                    self.assertEqual(length, get.headers["content-length"])
