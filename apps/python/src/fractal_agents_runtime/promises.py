"""What a release promises: versions for plugins, channel adapters and clients. The only source.

The server enforces these tables, the OpenAPI document names them, and compat.json is made of them.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fractal_agents_runtime.models import ChannelPromise, Compat, CompatContract, PluginPromise
from fractal_agents_runtime.version import PACKAGE, __version__

SCHEMA = (
    "https://raw.githubusercontent.com/l4b4r4b4b4/fractal-agents-runtime/main/"
    "contract/compat.schema.json"
)
# The form of compat.json itself.
FORM = 1


@dataclass(frozen=True, slots=True)
class Promise:
    """A version that something may be made for, and how long it will be."""

    version: str
    status: Literal["supported", "deprecated", "removed"] = "supported"
    # The release (SemVer) without it; None while none is planned.
    removal: str | None = None


# What HTTP clients may rely on; its tests are in `contract/`.
CONTRACT = "1"
# The plugin API: what plugins.py asks of a plugin.
PLUGINS = (Promise("1"),)
# What a channel adapter says in the header CHANNEL_HEADER.
CHANNELS = (Promise("1"),)
CHANNEL = "http"
CHANNEL_HEADER = "Channel-Protocol"


def kept(promises: Iterable[Promise]) -> list[str]:
    """Return the versions that are not removed."""
    return [promise.version for promise in promises if promise.status != "removed"]


def document(spec: bytes) -> Compat:
    """Return what this release promises, with the OpenAPI document that its clients may rely on."""
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
    made = document(spec).model_dump(mode="json", by_alias=True)
    return json.dumps(made, indent=2, sort_keys=True) + "\n"
