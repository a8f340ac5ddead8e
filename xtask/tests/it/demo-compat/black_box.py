"""What clients rely on."""

import json
import os
import unittest
import urllib.request


class Greeting(unittest.TestCase):
    def test_it_says_hello(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(os.environ["BASE_URL"] + "/greeting") as answer:
            self.assertEqual(json.load(answer), {"text": "hello"})


unittest.main()
