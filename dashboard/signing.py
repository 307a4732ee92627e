"""Checks signed messages as Standard Webhooks has them: who sent it, how old it is, that nothing was changed."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping

TOLERANCE_S = 300.0
PREFIX, VERSION = "whsec_", "v1"
MOST_SIGNATURES = 16  # while a secret is being replaced there are two
_ID = re.compile(r"[!-\-/-~]{1,256}")  # a dot would part what is signed elsewhere
_STAMP = re.compile(r"[0-9]{1,12}")


def refusal(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Why the message is not taken, or "". Every signature is compared, each in constant time."""
    message, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split()
    if not (_ID.fullmatch(message) and _STAMP.fullmatch(stamp) and given):
        return "needs the headers webhook-id, webhook-timestamp and webhook-signature"
    if abs(now - int(stamp)) > TOLERANCE_S:
        return f"webhook-timestamp is more than {TOLERANCE_S:.0f} s from the time here"
    wanted = f"{VERSION},{_signature(secret, message, stamp, body)}".encode()
    same = [
        hmac.compare_digest(one.encode("utf-8", "surrogateescape"), wanted) for one in given[:MOST_SIGNATURES]
    ]
    return "" if any(same) else "webhook-signature does not fit the message"


def _signature(secret: str, message: str, stamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message}.{stamp}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
