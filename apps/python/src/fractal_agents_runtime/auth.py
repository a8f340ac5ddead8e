"""The check of the token that clients must send."""

import hmac
from collections.abc import Mapping

from fractal_agents_runtime.errors import HttpError


def check_token(token: str, headers: Mapping[str, str]) -> None:
    """Refuse a request without the token. The comparison takes the same time for all others."""
    scheme, _, sent = headers.get("authorization", "").partition(" ")
    sent = sent if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    if not hmac.compare_digest(sent.strip().encode(), token.encode()):
        refusal = {"WWW-Authenticate": "Bearer"}
        raise HttpError(401, "the token is missing or wrong", headers=refusal)
