"""What the server says that it promises, of itself and of its document."""

from hashlib import sha256

from server import Case, ask


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
