"""The store: values by namespace and key."""

from uuid import uuid4

from server import Case, send


class Store(Case):
    def setUp(self) -> None:
        self.space = str(uuid4())

    def put(self, labels: list[str], key: str, value: object, **more: object) -> None:
        body = {"namespace": [self.space, *labels], "key": key, "value": value, **more}
        reply = send("PUT", "/store/items", body)
        self.assertEqual((reply.status, reply.body), (204, b""))

    def found(self, **body: object) -> list[tuple[str, object]]:
        reply = send("POST", "/store/items/search", {"namespace_prefix": [self.space], **body})
        return [(one["key"], one["value"]) for one in self.ok(reply)["items"]]

    def test_a_value_can_be_stored_replaced_and_deleted(self) -> None:
        path = f"/store/items?namespace={self.space}.a&key=k%20%C3%A9"
        self.assertIsNone(self.ok(send("GET", path)))
        values: list[dict[str, object]] = [{"n": 1}, {"n": None, "é": [{}]}]
        for value in values:
            self.put(["a"], "k é", value)
            item = self.ok(send("GET", path))
            self.assertEqual((item["value"], item["key"]), (value, "k é"))
            self.assertEqual(item["namespace"], [self.space, "a"])
            self.assertLessEqual({"created_at", "updated_at"}, set(item))
        for _ in range(2):
            body = {"namespace": [self.space, "a"], "key": "k é"}
            self.assertEqual(send("DELETE", "/store/items", body).status, 204)
        self.assertIsNone(self.ok(send("GET", path)))

    def test_search_filters_and_pages(self) -> None:
        for n in range(3):
            self.put(["u", str(n)], "k", {"n": n, "even": n % 2 == 0}, index=False, ttl=5)
        self.assertEqual(len(self.found()), 3)
        self.assertEqual(self.found(filter={"n": 1}), [("k", {"n": 1, "even": False})])
        self.assertEqual(len(self.found(filter={"even": True})), 2)
        self.assertEqual(len(self.found(filter={"n": {"$gt": 0}})), 2)
        self.assertEqual(len(self.found(limit=2)), 2)
        self.assertEqual(len(self.found(limit=2, offset=2)), 1)
        self.assertEqual(self.found(namespace_prefix=[self.space, "nobody"]), [])

    def test_a_value_ends_after_its_time(self) -> None:
        self.put([], "short", {}, ttl=0.00001)
        self.put([], "long", {}, ttl=60)
        keys = [key for key, _ in self.found()]
        while "short" in keys:
            keys = [key for key, _ in self.found()]
        self.assertEqual(keys, ["long"])

    def test_namespaces_can_be_listed(self) -> None:
        for labels in (["a", "x"], ["a", "y"], ["b", "x"]):
            self.put(labels, "k", {})

        def listed(**body: object) -> list[list[str]]:
            reply = send("POST", "/store/namespaces", {"prefix": [self.space], **body})
            return sorted(one[1:] for one in self.ok(reply)["namespaces"])

        self.assertEqual(listed(), [["a", "x"], ["a", "y"], ["b", "x"]])
        self.assertEqual(listed(max_depth=2), [["a"], ["b"]])
        self.assertEqual(listed(suffix=["x"]), [["a", "x"], ["b", "x"]])
        self.assertEqual(listed(prefix=[self.space, "*", "x"]), [["a", "x"], ["b", "x"]])
        self.assertEqual(len(listed(limit=1, offset=1)), 1)

    def test_what_is_not_supported_is_refused_by_name(self) -> None:
        item: dict[str, object] = {"namespace": ["a"], "key": "k", "value": {}}
        cases: list[tuple[dict[str, object], list[str | int]]] = [
            ({"namespace": []}, ["namespace"]),
            ({"namespace": ["a.b"]}, ["namespace", 0]),
            ({"namespace": ["a", ""]}, ["namespace", 1]),
            ({"key": ""}, ["key"]),
            ({"value": []}, ["value"]),
            ({"index": ["a"]}, ["index"]),
            ({"index": 0}, ["index"]),
            ({"ttl": 0}, ["ttl"]),
            ({"more": 1}, ["more"]),
        ]
        for more, place in cases:
            with self.subTest(more=more):
                reply = send("PUT", "/store/items", {**item, **more})
                self.assert_refused(reply, ["body", *place])
        search = {"namespace_prefix": ["a"], "query": "like this"}
        self.assert_refused(send("POST", "/store/items/search", search), ["body", "query"])
        self.assert_refused(send("GET", "/store/items?key=k"), ["query", "namespace"])

    def test_labels_that_can_not_exist_are_refused(self) -> None:
        for label in ("", "a.b", "a\0"):
            for path, field in (("items/search", "namespace_prefix"), ("namespaces", "suffix")):
                reply = send("POST", f"/store/{path}", {field: [label]})
                self.assert_refused(reply, ["body", field, 0])

    def test_labels_that_langgraph_does_not_accept_are_refused(self) -> None:
        # Its library for TypeScript does not accept a colon from 1.7 on.
        item = {"namespace": [self.space, "a:b"], "key": "k"}
        for method, path, body, place in (
            ("PUT", "items", {**item, "value": {}}, ["body", "namespace"]),
            ("GET", f"items?namespace={self.space}.a:b&key=k", None, ["query", "namespace"]),
            ("POST", "items/search", {"namespace_prefix": ["a:b"]}, ["body", "namespace_prefix"]),
            ("POST", "namespaces", {"prefix": ["a:b"]}, ["body", "prefix"]),
            ("POST", "namespaces", {"suffix": ["a:b"]}, ["body", "suffix"]),
            ("DELETE", "items", item, ["body", "namespace"]),
        ):
            reply = send(method, f"/store/{path}", body)
            if reply.status not in (200, 204):
                self.assert_refused(reply, [*place])
