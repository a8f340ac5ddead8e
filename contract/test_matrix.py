"""Every method of the official SDKs works, if the SDKs are installed beside the checkout."""

import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "sdk"))
sys.dont_write_bytecode = True

from matrix import driven, drivers, table  # noqa: E402


class Matrix(unittest.TestCase):
    def test_every_method_works(self) -> None:
        sdks = drivers()
        for name in {"Python SDK", "TypeScript SDK"} - set(sdks):
            with self.subTest(sdk=name):
                self.skipTest(f"the {name} is not installed in the checkout")
        columns = {name: driven(command, os.environ["BASE_URL"]) for name, command in sdks.items()}
        for name, column in columns.items():
            wrong = [row for row in column if column[row] != "works"]
            self.assertEqual(wrong, [], f"{name}\n{table(columns)}")
