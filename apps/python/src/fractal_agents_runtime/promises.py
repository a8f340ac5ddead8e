"""The versions that a release declares for plugins, channel adapters and clients.

These tables are the only source: the server enforces them, the OpenAPI document contains them, and
compat.json is generated from them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fractal_agents_runtime.version import PACKAGE, __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fractal_agents_runtime.models import Compat

SCHEMA = (
    "https://raw.githubusercontent.com/l4b4r4b4b4/fractal-agents-runtime/main/"
    "contract/compat.schema.json"
)
# The version of the format of compat.json.
FORM = 1


@dataclass(frozen=True, slots=True)
class Promise:
    """A version of an interface, and its status."""

    version: str
    status: Literal["supported", "deprecated", "removed"] = "supported"
    # The release (SemVer) that removes it. None if no removal is planned.
    removal: str | None = None


# The version of the contract with HTTP clients. Its tests are in `contract/`.
CONTRACT = "1"
# The versions of the plugin API, which plugins.py defines.
PLUGINS = (Promise("1"),)
# The valid values of the header CHANNEL_HEADER, which channel adapters send.
CHANNELS = (Promise("1"),)
CHANNEL = "http"
CHANNEL_HEADER = "Channel-Protocol"


def kept(promises: Iterable[Promise]) -> list[str]:
    """Return the versions that are not removed."""
    return [promise.version for promise in promises if promise.status != "removed"]


def document(spec: bytes) -> Compat:
    """Return compat.json. `spec` is the OpenAPI document, whose hash it contains."""
    from fractal_agents_runtime.models import (  # noqa: PLC0415
        ChannelPromise,
        Compat,
        CompatContract,
        PluginPromise,
    )

    return Compat(
        schema_uri=SCHEMA,
        form=FORM,
        package=PACKAGE,
        version=__version__,
        contract=CompatContract(
            version=CONTRACT, spec=f"sha256:{hashlib.sha256(spec).hexdigest()}"
        ),
        plugins=[
            PluginPromise(api_version=one.version, status=one.status, removal=one.removal)
            for one in PLUGINS
        ],
        channels=[
            ChannelPromise(
                protocol=CHANNEL, version=one.version, status=one.status, removal=one.removal
            )
            for one in CHANNELS
        ],
    )


def render(spec: bytes) -> str:
    """Return the text of compat.json."""
    dumped = document(spec).model_dump(mode="json", by_alias=True)
    return json.dumps(dumped, indent=2, sort_keys=True) + "\n"
