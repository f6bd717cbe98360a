"""Texts that this warehouse has signed and that hold until a time: the links to files, the cookie of a session."""

import hashlib
import hmac
import time

from include.warehouse.credentials import credential
from include.warehouse.settings import load_settings


def write(name: str, expires: int, secret: str, *parts: str) -> str:
    """`name.expires.signature`: the home's secret of that name signs `parts` and the expiry (seconds since 1970)."""
    return f"{name}.{expires}.{_signature(expires, secret, parts)}"


def read(text: str) -> tuple[str, int, str] | None:
    """Name, expiry and signature of what `write` gives; None where the text is none or has expired."""
    name, _, rest = text.partition(".")
    expires, _, signature = rest.partition(".")
    if not (expires.isascii() and expires.isdecimal() and len(expires) < 12) or int(expires) < time.time():
        return None
    return name, int(expires), signature


def is_signed(signature: str, expires: int, secret: str, *parts: str) -> bool:
    """Whether this is the signature of `parts` and the expiry; takes as long for any other."""
    return hmac.compare_digest(_signature(expires, secret, parts).encode(), signature.encode())


def _signature(expires: int, secret: str, parts: tuple[str, ...]) -> str:
    key = credential(load_settings(), secret).encode()
    return hmac.new(key, "/".join((*parts, str(expires))).encode(), hashlib.sha256).hexdigest()
