"""Texts that this warehouse has signed and that hold until a time: the links to files, the cookie of a session."""

import hashlib
import hmac
import time

from include.warehouse.credentials import credential
from include.warehouse.settings import load_settings


def sign(secret: str, *parts: object) -> str:
    """The signature of `parts` with the home's secret of that name."""
    key = credential(load_settings(), secret).encode()
    return hmac.new(key, "/".join(str(part) for part in parts).encode(), hashlib.sha256).hexdigest()


def is_signed(signature: str, secret: str, *parts: object) -> bool:
    """Whether this is the signature of `parts`; takes as long for any other."""
    return hmac.compare_digest(sign(secret, *parts).encode(), signature.encode())


def read(text: str) -> tuple[str, int, str] | None:
    """Name, expiry (seconds since 1970) and signature of `name.expires.signature`; None where it is none or expired."""
    name, _, rest = text.partition(".")
    expires, _, signature = rest.partition(".")
    if not (expires.isascii() and expires.isdecimal() and len(expires) < 12) or int(expires) < time.time():
        return None
    return name, int(expires), signature
