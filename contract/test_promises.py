"""The interfaces that the server declares, and its handling of the channel protocol."""

import json
from hashlib import sha256

from server import Case, Reply, ask, hello

RUN = json.dumps({"assistant_id": "echo", "input": hello()}).encode()


class Compat(Case):
    def setUp(self) -> None:
        self.info = ask("GET", "/info").json()
        self.compat = self.info["compat"]

    def test_it_has_the_package_and_the_version_of_the_server(self) -> None:
        self.assertEqual(self.compat["package"], self.info["name"])
        self.assertEqual(self.compat["version"], self.info["version"])

    def test_it_has_the_hash_of_the_served_openapi_document(self) -> None:
        served = ask("GET", "/openapi.json").body
        declared = self.compat["contract"]["spec"]
        self.assertEqual(declared, f"sha256:{sha256(served).hexdigest()}")

    def test_plugins_and_channels_have_versions_with_a_status(self) -> None:
        for kind, number in (("plugins", "apiVersion"), ("channels", "version")):
            promises = self.compat[kind]
            self.assertTrue(promises)
            for promise in promises:
                with self.subTest(kind=kind, promise=promise):
                    self.assertRegex(promise[number], "^[1-9][0-9]*$")
                    self.assertIn(promise["status"], ("supported", "deprecated", "removed"))
                    ends = promise["status"] != "supported"
                    self.assertEqual(promise["removal"] is not None, ends)


class Channels(Case):
    def run_with(self, body: bytes, *versions: str) -> Reply:
        names = ("Channel-Protocol", "channel-protocol")  # the same header for the server
        return ask("POST", "/runs/wait", body, dict(zip(names, versions, strict=False)))

    def kept(self) -> list[str]:
        channels = ask("GET", "/info").json()["compat"]["channels"]
        # Later releases may add protocols that do not use HTTP.
        ours = [one for one in channels if one["protocol"] == "http"]
        return [one["version"] for one in ours if one["status"] != "removed"]

    def test_a_supported_version_is_accepted(self) -> None:
        for version in self.kept():
            for sent in (version, f"  {version} "):
                with self.subTest(version=sent):
                    self.assertEqual(self.run_with(RUN, sent).status, 200)

    def test_any_other_version_is_400_with_the_supported_versions(self) -> None:
        kept = ", ".join(self.kept())
        for versions in (["0"], [""], ["1.0"], ["+1"], ["1 2"], ["http/1"], ["1", "1"], ["9" * 99]):
            with self.subTest(versions=versions):
                error = self.assert_error(self.run_with(RUN, *versions), 400)
                expected = f"the Channel-Protocol is not supported; supported: {kept}"
                self.assertEqual(error["detail"], expected)

    def test_the_version_is_checked_after_the_bodys_size_and_before_its_content(self) -> None:
        for body, status in ((b" " * (4 * 1024 * 1024 + 1), 413), (b"{", 400), (b"{}", 400)):
            with self.subTest(size=len(body)):
                error = self.assert_error(self.run_with(body, "0"), status)
                self.assertNotIn("JSON", error["detail"])

    def test_operations_that_channel_adapters_do_not_use_ignore_the_header(self) -> None:
        for path in ("/health", "/info", "/openapi.json"):
            with self.subTest(path=path):
                self.assertEqual(ask("GET", path, headers={"Channel-Protocol": "0"}).status, 200)

    def test_the_openapi_document_lists_the_supported_versions(self) -> None:
        run = ask("GET", "/openapi.json").json()["paths"]["/runs/wait"]["post"]
        header = {one["name"]: one for one in run["parameters"]}["Channel-Protocol"]
        self.assertEqual((header["in"], header.get("required", False)), ("header", False))
        self.assertEqual(header["schema"]["enum"], self.kept())
