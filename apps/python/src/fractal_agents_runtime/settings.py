"""The settings of a server, from environment variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

HIGHEST = 2**53


@dataclass(frozen=True, slots=True)
class Settings:
    """The limits of a server, and what it may do."""

    # The size of a request's body, in bytes.
    max_body: int = 4 * 1024 * 1024
    # How many runs may be active at once.
    max_runs: int = 1000
    # How long a run may take. 0: as long as it wants.
    run_seconds: float = 0
    # How long running requests and runs may take after SIGTERM.
    grace_seconds: float = 0.7
    # The origins of web pages that may use the server; `*`: all.
    cors_origins: tuple[str, ...] = ()
    # The hosts that webhooks may be sent to, besides this machine; `*`: all.
    webhook_hosts: tuple[str, ...] = ()
    log_format: Literal["text", "json"] = "text"
    # Where data is kept: `memory`, `sqlite:FILE` or `postgresql://…`.
    database: str = "memory"
    # What happens to runs whose server has ended: they go on, or they fail.
    lost_runs: Literal["resume", "error"] = "resume"
    # True if there is a web page at `/`.
    page: bool = True
    # How long a server that shares a database may be silent until others take its runs.
    lease_seconds: float = 10


def parse_settings(env: Mapping[str, str]) -> Settings:
    """Return the settings of an environment. Raises ValueError that names a wrong one."""
    usual = Settings()
    log_format = env.get("LOG_FORMAT") or "text"
    if log_format not in ("text", "json"):
        raise ValueError(f"LOG_FORMAT is {log_format!r}, not text or json")
    lost_runs = env.get("LOST_RUNS") or "resume"
    if lost_runs not in ("resume", "error"):
        raise ValueError(f"LOST_RUNS is {lost_runs!r}, not resume or error")
    page = env.get("PAGE") or "on"
    if page not in ("on", "off"):
        raise ValueError(f"PAGE is {page!r}, not on or off")
    return Settings(
        max_body=int(number_of(env, "MAX_BODY", usual.max_body, least=1, whole=True)),
        max_runs=int(number_of(env, "MAX_RUNS", usual.max_runs, least=1, whole=True)),
        run_seconds=number_of(env, "RUN_SECONDS", usual.run_seconds),
        grace_seconds=number_of(env, "GRACE_SECONDS", usual.grace_seconds),
        cors_origins=_list(env.get("CORS_ORIGINS", "")),
        webhook_hosts=_list(env.get("WEBHOOK_HOSTS", "")),
        log_format="json" if log_format == "json" else "text",
        database=env.get("DATABASE") or usual.database,
        lost_runs="error" if lost_runs == "error" else "resume",
        page=page == "on",
        lease_seconds=number_of(env, "LEASE_SECONDS", usual.lease_seconds, least=1),
    )


def number_of(
    env: Mapping[str, str], name: str, default: float, *, least: int = 0, whole: bool = False
) -> float:
    """Parse a variable that is a number. Raises ValueError that names it."""
    text = env.get(name, "")
    if not text:
        return default
    digits = text if whole else text.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit() and least <= float(text) <= HIGHEST):
        kind = "whole number" if whole else "number"
        raise ValueError(f"{name} is {text!r}, not a {kind} from {least}")
    return float(text)


def _list(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())
