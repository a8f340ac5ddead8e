"""Runs griffe's own rules on the test cases of our rules.

Usage: peer.py PRELUDE CASES..., where every case starts with the code in the file PRELUDE. Prints
how many breaking cases griffe finds, which it misses, and in which other cases it reports a break.
"""

import logging
import sys
import tempfile
from pathlib import Path

import griffe

Files = dict[tuple[str, str], str]


def cases(text: str) -> list[tuple[str, bool, Files]]:
    """Each case's name, whether it breaks users, and its files by side and name."""
    found: list[tuple[str, list[str], Files]] = []
    part: tuple[str, str] | None = None
    for line in text.splitlines():
        words = line.split(" ")
        if line.startswith("## "):
            found.append((line[3:], [], {}))
            part = None
        elif words[0] == "---" and words[1] in ("old", "new"):
            part = (words[1], next(iter(words[2:]), "__init__.py"))
            found[-1][2][part] = ""
        elif words[0] in ("breaking", "warning", "info") and words[1:] and not words[2:]:
            found[-1][1].append(words[0])
        elif part:
            found[-1][2][part] += line + "\n"
    return [(what, "breaking" in levels, files) for what, levels, files in found]


def load(root: Path, side: str, prelude: str, files: Files) -> griffe.Object | griffe.Alias:
    folder = root / side / "case"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(prelude, encoding="utf-8")
    for (_, name), text in ((key, text) for key, text in files.items() if key[0] == side):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(
            (prelude if name == "__init__.py" else "") + text, encoding="utf-8"
        )
    return griffe.load("case", search_paths=[root / side], resolve_aliases=True)


def breaks(prelude: str, files: Files) -> bool:
    with tempfile.TemporaryDirectory() as root:
        old, new = (load(Path(root), side, prelude, files) for side in ("old", "new"))
        return any(True for _ in griffe.find_breaking_changes(old, new))


def main() -> None:
    logging.disable()
    prelude, *texts = (Path(path).read_text(encoding="utf-8") for path in sys.argv[1:])
    every = [case for text in texts for case in cases(text)]
    missed, false, wrong = [], [], 0
    for what, breaking, files in every:
        try:
            found = breaks(prelude, files)
        except Exception:  # noqa: BLE001, a crash of griffe counts as no break found
            wrong += 1
            found = False
        if breaking and not found:
            missed.append(what)
        if found and not breaking:
            false.append(what)
    broken = sum(breaking for _, breaking, _ in every)
    sure = f"{len(false)} of {len(every) - broken}"
    listed = "; ".join(false)
    lines = [
        f"griffe's own rules on our {len(every)} cases (our rules pass all of them):",
        f"  breaks found: {broken - len(missed)} of {broken}; missed: {'; '.join(missed)}",
        f"  cases that are not breaking, but where it reports a break: {sure}: {listed}",
        f"  ended with an error: {wrong}",
    ]
    sys.stdout.write("".join(f"{line}\n" for line in lines))


main()
