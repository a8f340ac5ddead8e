"""Drives the web page of a running server with Chromium, as a person would.

    BASE_URL=http://127.0.0.1:8000 python3 contract/page/check.py [--token TOKEN] [--picture FILE]

It needs Chromium or Chrome on the PATH, and the server's own graphs. It exits with 77 without them.
"""

import argparse
import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PATIENCE = 60.0
PROGRAMS = ("chromium", "chromium-headless-shell", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--remote-debugging-pipe",
    "--window-size=1100,760",
)


class Page:
    """A page in a browser, driven by the DevTools protocol over two pipes."""

    def __init__(self, program: str, profile: str) -> None:
        there, self.sent = os.pipe()
        self.received, back = os.pipe()
        # The browser's descriptors must be 3 and 4.
        ends = [fcntl.fcntl(one, fcntl.F_DUPFD, 10) for one in (there, back)]
        script = f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}'
        command = ["bash", "-c", script, "bash", program, *FLAGS, f"--user-data-dir={profile}"]
        self.process = subprocess.Popen(
            [*command, "about:blank"], pass_fds=ends, stderr=subprocess.DEVNULL
        )
        for one in (there, back, *ends):
            os.close(one)
        self.buffer = b""
        self.number = 0
        self.session: str | None = None
        # What the browser complains of.
        self.complaints: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """Send a command, and wait for its answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.sent, json.dumps(message).encode() + b"\0")
        while True:
            told = self.read()
            if told.get("id") == self.number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']}")
                return told["result"]
            self.note(told)

    def read(self) -> Any:
        """Read a message."""
        while b"\0" not in self.buffer:
            data = os.read(self.received, 1 << 16)
            if not data:
                raise RuntimeError("the browser has ended")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def note(self, told: Any) -> None:
        """Keep exceptions and errors that the console shows."""
        if told.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["params"]["exceptionDetails"]))
        if told.get("method") == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
            self.complaints.append(told["params"]["entry"]["text"])

    def value(self, expression: str) -> Any:
        """Return the value of an expression."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in done:
            raise RuntimeError(f"{expression}: {done['exceptionDetails']}")
        return done["result"].get("value")

    def until(self, expression: str, wanted: Any) -> None:
        """Wait until an expression has a value."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.value(expression)) != wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f"{expression} is {found!r}, not {wanted!r}")
            time.sleep(0.05)

    def write(self, text: str) -> None:
        """Type into the field that has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key: str, code: int) -> None:
        """Press a key."""
        text = {"text": "\r"} if key == "Enter" else {}
        at = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **at, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **at)

    def say(self, text: str) -> None:
        """Send a message with the keyboard."""
        self.write(text)
        self.press("Enter", 13)

    def click(self, selector: str) -> None:
        """Click the middle of an element, which must be visible."""
        box = self.value(
            f"(() => {{const b = document.querySelector({json.dumps(selector)})"
            ".getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]})()"
        )
        at = {"x": box[0], "y": box[1], "button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type="mousePressed", **at)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", **at)

    def picture(self, file: str) -> None:
        """Save a picture."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        Path(file).write_bytes(base64.b64decode(data))

    def close(self) -> None:
        """End the browser."""
        self.session = None
        self.call("Browser.close")
        self.process.wait(PATIENCE)


MESSAGES = "[...document.querySelectorAll('.message')].map((one) => one.innerText)"


def check(page: Page, url: str, token: str | None, picture: str | None) -> None:
    """Talk to the graphs."""
    page.call("Page.navigate", url=url)
    if token:
        page.until("document.querySelector('#locked')?.hidden", False)
        page.complaints.clear()
        page.click("#token")
        page.write(token)
        page.click("#unlock")
    page.until("document.querySelectorAll('.graph').length > 1", True)
    graphs = page.value("[...document.querySelectorAll('.graph')].map((one) => one.innerText)")
    page.until("document.activeElement.id", "text")
    page.click(".graph:first-of-type")
    page.value("document.querySelector('#text').focus()")
    idle = "document.querySelector('#log').getAttribute('aria-busy')"

    page.say("add 2 3")
    page.until(f"{MESSAGES}.at(-1)", "agent\n5")
    page.until(idle, "false")
    told = page.value(MESSAGES)
    assert [one.split("\n")[0] for one in told] == ["you", "agent", "tool add", "agent"], told
    page.say("ask Go <b>on</b>?")
    page.until(f"{MESSAGES}.at(-1)", "question\nGo <b>on</b>?")
    page.until("document.querySelector('#prompt').innerText", "Answer")
    page.say("yes")
    page.until(f"{MESSAGES}.at(-1)", "agent\nyes")
    assert page.value(f"{MESSAGES}.includes('you\\nyes')")
    page.until("document.querySelector('#prompt').innerText", "Message")
    page.say("fail for a reason")
    page.until(f"/^error\\n.*: for a reason$/.test({MESSAGES}.at(-1))", True)
    page.until(idle, "false")
    if picture:
        page.picture(picture)
    page.say("wait 30")
    page.until("document.querySelector('#stop').disabled", False)
    page.until(f"{MESSAGES}.at(-1).startsWith('agent\\nwait(')", True)
    page.press("Escape", 27)
    page.until(f"{MESSAGES}.at(-1)", "error\nstopped")

    page.click("#fresh")
    page.until(f"{MESSAGES}.length", 0)
    echo = graphs.index("echo") + 1
    page.click(f".graph:nth-of-type({echo}) input")
    page.value("document.querySelector('#text').focus()")
    page.say("hello")
    page.until(f"{MESSAGES}.join('|')", "you\nhello|agent\nhello")
    page.until(idle, "false")
    page.click("#json")
    page.value("document.querySelector('#text').focus()")
    page.say('{"messages": []}')
    page.until(f"{MESSAGES}.at(-1).startsWith('error\\n422: ')", True)
    # The 422 is one: the browser logs it. Anything else is a mistake of the page.
    wrong = [one for one in page.complaints if "422" not in one]
    assert not wrong, wrong
    outside = "performance.getEntries().map(({name}) => name).filter((name) => /^http/.test(name)"
    strangers = page.value(f"{outside} && !name.startsWith(location.origin))")
    assert strangers == [], strangers
    # Every field and button has a name for people who do not see the page.
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    for node in tree:
        role = node.get("role", {}).get("value")
        if role in ("button", "textbox", "radio", "checkbox", "link", "log", "group"):
            assert node.get("name", {}).get("value"), node


def main() -> int:
    """Check the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--token")
    parser.add_argument("--picture", help="where to save a picture of the page")
    asked = parser.parse_args()
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not program:
        sys.stderr.write(f"no browser is installed: {', '.join(PROGRAMS)}\n")
        return 77
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        page = Page(program, profile)
        try:
            check(page, os.environ["BASE_URL"], asked.token, asked.picture)
        except AssertionError:
            if asked.picture:
                page.picture(asked.picture)
            sys.stderr.write(f"{page.value(MESSAGES)}\n{page.complaints}\n")
            raise
        finally:
            page.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
