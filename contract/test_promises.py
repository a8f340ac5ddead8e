"""What the server says that it promises, of itself and of its document."""

import json
from hashlib import sha256

from server import Case, Reply, ask, hello

RUN = json.dumps({"assistant_id": "echo", "input": hello()}).encode()


class Compat(Case):
    def setUp(self) -> None:
        self.info = ask("GET", "/info").json()
        self.compat = self.info["compat"]

    def test_it_is_of_this_package_and_version(self) -> None:
        self.assertEqual(self.compat["package"], self.info["name"])
        self.assertEqual(self.compat["version"], self.info["version"])

    def test_it_has_the_hash_of_the_document_that_is_served(self) -> None:
        served = ask("GET", "/openapi.json").body
        said = self.compat["contract"]["spec"]
        self.assertEqual(said, f"sha256:{sha256(served).hexdigest()}")

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
        names = ("Channel-Protocol", "channel-protocol")  # for the server they are one
        return ask("POST", "/runs/wait", body, dict(zip(names, versions, strict=False)))

    def kept(self) -> list[str]:
        channels = ask("GET", "/info").json()["compat"]["channels"]
        # Protocols that are not spoken over HTTP may come.
        ours = [one for one in channels if one["protocol"] == "http"]
        return [one["version"] for one in ours if one["status"] != "removed"]

    def test_a_protocol_that_is_kept_is_answered_as_without_it(self) -> None:
        for version in self.kept():
            for said in (version, f"  {version} "):
                with self.subTest(version=said):
                    self.assertEqual(self.run_with(RUN, said).status, 200)

    def test_any_other_is_400_with_those_that_are(self) -> None:
        kept = ", ".join(self.kept())
        for versions in (["0"], [""], ["1.0"], ["+1"], ["1 2"], ["http/1"], ["1", "1"], ["9" * 99]):
            with self.subTest(versions=versions):
                error = self.assert_error(self.run_with(RUN, *versions), 400)
                said = f"the Channel-Protocol is not supported; supported: {kept}"
                self.assertEqual(error["detail"], said)

    def test_a_body_that_is_too_large_is_said_first_and_one_that_does_not_fit_last(self) -> None:
        for body, status in ((b" " * (4 * 1024 * 1024 + 1), 413), (b"{", 400), (b"{}", 400)):
            with self.subTest(size=len(body)):
                error = self.assert_error(self.run_with(body, "0"), status)
                self.assertNotIn("JSON", error["detail"])

    def test_what_channel_adapters_do_not_ask_for_does_not_mind(self) -> None:
        for path in ("/health", "/info", "/openapi.json"):
            with self.subTest(path=path):
                self.assertEqual(ask("GET", path, headers={"Channel-Protocol": "0"}).status, 200)

    def test_the_document_names_them(self) -> None:
        run = ask("GET", "/openapi.json").json()["paths"]["/runs/wait"]["post"]
        header = {one["name"]: one for one in run["parameters"]}["Channel-Protocol"]
        self.assertEqual((header["in"], header.get("required", False)), ("header", False))
        self.assertEqual(header["schema"]["enum"], self.kept())
