import unittest

from shout import plugin


class Shout(unittest.TestCase):
    def test_it_greets(self) -> None:
        self.assertEqual(plugin.greeting(), "hello from shout")
