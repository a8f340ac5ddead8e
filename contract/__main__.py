"""Run all tests at the same time, because they mostly wait: `python3 contract`."""

import sys
import time
import unittest
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The number of tests that run at the same time.
WORKERS = 8


def cases(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """Return the test cases of a suite and of the suites in it."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        elif isinstance(test, unittest.TestCase):
            yield test


def ran(test: unittest.TestCase) -> unittest.TestResult:
    """Run one test. A result is not safe to share between threads."""
    result = unittest.TestResult()
    test.run(result)
    return result


def main() -> int:
    """Run the tests, and print the failed ones like unittest does. Return the exit code."""
    sys.dont_write_bytecode = True
    began = time.monotonic()
    suite = unittest.defaultTestLoader.discover(str(Path(__file__).parent))
    with ThreadPoolExecutor(WORKERS) as pool:
        results = list(pool.map(ran, cases(suite)))
    failed = [failure for result in results for failure in result.failures + result.errors]
    passed = all(result.wasSuccessful() for result in results)
    skipped = [skip for result in results for skip in result.skipped]
    for test, trace in failed:
        sys.stderr.write(f"FAIL: {test.id()}\n{trace}\n")
    for test, reason in skipped:
        sys.stderr.write(f"skipped: {test.id()}: {reason}\n")
    count = sum(result.testsRun for result in results)
    sys.stderr.write(f"Ran {count} tests in {time.monotonic() - began:.3f}s\n")
    # No test at all is a mistake too.
    return 0 if passed and count else 1


if __name__ == "__main__":
    sys.exit(main())
