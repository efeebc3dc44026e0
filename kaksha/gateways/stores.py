"""Where files lie: this machine's disk or an S3-compatible store, and what their failures mean."""

from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import msgspec
from kaksha_client.resilience import Outcome
from obstore.exceptions import BaseError, PermissionDeniedError, PreconditionError, UnauthenticatedError
from obstore.store import LocalStore, ObjectStore, S3Store

from kaksha.core.i18n import N_
from kaksha.gateways.resilience import GatewayError, Line, line

__all__ = [
    "BadRange", "FileMissing", "Storage", "StorageMisconfigured", "StorageUnavailable", "configure", "meant",
]  # fmt: skip

T = TypeVar("T")


class StorageUnavailable(GatewayError):
    """The disk or the store is in trouble, or cannot be reached."""

    status, code, text = 503, "STORAGE_UNAVAILABLE", N_("Files cannot be reached right now. Please try again later.")
    retryable = True


class StorageMisconfigured(GatewayError):
    """The operator must act: credentials, rights, a missing bucket or folder."""

    status, code, text = 503, "STORAGE_MISCONFIGURED", StorageUnavailable.text


class FileMissing(GatewayError):
    """There is no file of that name."""

    status, code, text = 404, "FILE_MISSING", N_("This file is no longer there.")
    outcome = Outcome.SUCCESS


class BadRange(GatewayError):
    """A range outside of the file; the answer names its size."""

    status, code, text = 416, "RANGE_NOT_SATISFIABLE", N_("This part of the file does not exist.")
    outcome = Outcome.SUCCESS

    def __init__(self, size: int) -> None:
        super().__init__()
        self.headers["Content-Range"] = f"bytes */{size}"


class Storage(msgspec.Struct, frozen=True):
    """Made once a process by `configure`."""

    once: ObjectStore
    """Tries once: our line repeats."""
    patient: ObjectStore
    """Repeats by itself, for what passes in parts: one part can be repeated only from within."""
    folder: Path | None
    """The disk's folder; None for S3."""
    line: Line


def configure(storage_url: str | None, home: Path, own_line: Line | None = None) -> Storage:
    """From STORAGE_URL: unset is `home/files`. Raises ValueError in an operator's words.

    `file:///folder`, or `s3://KEY:SECRET@bucket/prefix?region=ap-south-1&endpoint=https://…`; without a key, the usual
    AWS variables or the machine's own role.
    """
    own_line = own_line or line("storage", StorageUnavailable, per_try=30, deadline=60)
    parts = urlsplit(storage_url or (home / "files").absolute().as_uri())
    if parts.scheme == "file" and parts.path and not parts.netloc:
        folder = Path(unquote(parts.path))
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"{folder} cannot be made: {error.strerror}") from error
        local = LocalStore(folder)
        return Storage(local, local, folder, own_line)
    if parts.scheme != "s3" or not parts.hostname:
        raise ValueError("must look like file:///folder or s3://KEY:SECRET@bucket?region=…&endpoint=https://…")
    options = dict(parse_qsl(parts.query))
    if set(options) - {"region", "endpoint"}:
        raise ValueError("takes region and endpoint, nothing else")
    return Storage(_s3(parts, options, repeats=0), _s3(parts, options, repeats=2), None, own_line)


def _s3(parts: SplitResult, options: dict[str, str], *, repeats: int) -> S3Store:
    endpoint = options.get("endpoint")
    config = {
        "region": options.get("region"),
        "endpoint": endpoint,
        "access_key_id": unquote(parts.username) if parts.username else None,
        "secret_access_key": unquote(parts.password) if parts.password else None,
    }
    return S3Store(
        parts.hostname or "",
        prefix=parts.path.strip("/") or None,
        config=cast(Any, {name: value for name, value in config.items() if value is not None}),
        # Plain http is for a store beside us; its address says so, so the operator chose it.
        client_options={
            "allow_http": endpoint is not None and endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(seconds=30),
        },
        retry_config={"max_retries": repeats, "retry_timeout": timedelta(seconds=60)},
    )


async def meant(call: Awaitable[T], missing: type[GatewayError] = FileMissing) -> T:
    """The answer of `call`, or what its failure means; `missing` is what it means that nothing is there."""
    try:
        return await call
    # The causes stay out: they hold the whole address, which names an institute and may carry a signature.
    except FileNotFoundError:
        raise missing("not there") from None
    except (PermissionDeniedError, UnauthenticatedError, PermissionError):
        raise StorageMisconfigured("not allowed") from None
    except PreconditionError:
        raise StorageUnavailable("replaced while it was read") from None
    except (BaseError, OSError) as error:
        if "NoSuchBucket" in str(error):  # a list's 404 has no class of its own
            raise StorageMisconfigured("the bucket is not there") from None
        raise StorageUnavailable("failed, or not reached") from None
