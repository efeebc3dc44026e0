"""The pages' session cookie, and the way back to where somebody wanted to go before they signed in."""

import re

from litestar.datastructures import Cookie

from kaksha.core.settings import Settings

__all__ = ["DEVICE_COOKIE", "device_cookie", "next_page", "page_cookie", "session_cookie"]

DEVICE_COOKIE = "kaksha_device"
_DEVICE_LIFE = 180 * 86_400
"""Seconds; as long as places are remembered."""

_PAGE = re.compile(r"/(?:[A-Za-z0-9._~%?&=+,:;@!$'()*-][A-Za-z0-9._~%?&=+,:;@!$'()*/-]*)?")
"""A path of ours as it stands in a URL: no second slash at its start, no backslash, no space, tab or line break, which
browsers drop or turn into slashes until `//elsewhere` is left."""


def page_cookie(settings: Settings) -> str:
    """The cookie's name; under https it gets the prefix `__Host-`."""
    return "__Host-kaksha_session" if settings.secure else "kaksha_session"


def session_cookie(settings: Settings, value: str, seconds: int) -> Cookie:
    """The cookie; 0 seconds remove it, with the same flags: browsers ignore a `__Host-` cookie without Secure."""
    return Cookie(
        page_cookie(settings), value=value, path="/", httponly=True, samesite="lax", secure=settings.secure,
        max_age=seconds,
    )  # fmt: skip


def device_cookie(settings: Settings, device: str) -> Cookie:
    """What a browser calls itself when it signs in again. It proves nobody, and stays when they sign out."""
    return Cookie(
        DEVICE_COOKIE, value=device, path="/", httponly=True, samesite="lax", secure=settings.secure,
        max_age=_DEVICE_LIFE,
    )  # fmt: skip


def next_page(wanted: str | None) -> str:
    """Where to go after signing in: a page of ours, never another site."""
    return wanted if wanted and _PAGE.fullmatch(wanted) else "/home"
