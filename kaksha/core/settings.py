"""Settings from the environment and `.env`: typed, documented in docs/operating/settings.md, and refused with
every problem named at once, so that an operator repairs a configuration in one go."""

import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

import msgspec

__all__ = ["Settings", "SettingsError", "load", "read_env_file"]

T = TypeVar("T")
Worker = Literal["inline", "external"]
Pooler = Literal["none", "transaction"]
LogFormat = Literal["text", "json"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, after checks. Field names are the variables' names in lower case, without `kaksha_`."""

    api_base_url: str
    """Our public origin: links, passkeys, callbacks. API_BASE_URL."""
    port: int
    """TCP port to listen on. PORT."""
    host: str
    """Address to listen on. HOST."""
    home: Path
    """Folder of everything that is kept: database, files, secret key. KAKSHA_HOME."""
    secret_key: str
    """At least 32 characters; signs tokens and seals secrets. KAKSHA_SECRET_KEY, else kept in the home."""
    database_url: str | None
    """The application's role; unset means the embedded server. DATABASE_URL."""
    database_owner_url: str | None
    """The owner's role: migrations and backup. DATABASE_OWNER_URL."""
    database_direct_url: str | None
    """The application's role without the pooler, for notices and jobs, which listen. DATABASE_DIRECT_URL."""
    database_pool_size: int
    """Connections of one server process. DATABASE_POOL_SIZE."""
    database_pooler: Pooler
    """`transaction` when DATABASE_URL is a transaction-mode pooler. DATABASE_POOLER."""
    worker: Worker
    """Jobs run inside the web process or in `kaksha worker`. WORKER."""
    log_format: LogFormat
    """`text` for people, `json` for machines. LOG_FORMAT."""
    log_level: str
    """debug, info, warning or error. LOG_LEVEL."""
    trusted_proxies: int
    """How many proxies of ours stand in front and append to X-Forwarded-For. TRUSTED_PROXIES."""
    max_body_bytes: int
    """Largest request body outside uploads, bytes. MAX_BODY_BYTES."""
    metrics_token: str | None
    """When set, /metrics asks for it as a bearer token; unset, only loopback may read. METRICS_TOKEN."""
    smtp_url: str | None
    """Relay for mail, smtps:// or smtp:// (STARTTLS); unset, no mail leaves. SMTP_URL."""
    mail_from: str
    """Address that mail comes from; unset, no-reply@ the public origin's host. MAIL_FROM."""
    sms_url: str | None
    """Provider for SMS, https://TOKEN@… or msg91://AUTHKEY@…; unset, no SMS leaves. SMS_URL."""
    sms_daily_cap: int
    """SMS that may leave in a day, over all institutes, so that pumped codes empty no account. SMS_DAILY_CAP."""
    storage_url: str | None
    """Where files lie, file:///… or s3://…; unset, KAKSHA_HOME/files. STORAGE_URL."""
    clamd_url: str | None
    """Virus scanner that looks through each file, tcp://host:3310 or unix:///…; unset, nothing is scanned. CLAMD_URL."""
    files_person_mb: int
    """Space for the files that one person uploads, MB. FILES_PERSON_MB."""
    files_institute_mb: int
    """Space for all files of one institute, MB. FILES_INSTITUTE_MB."""
    android_key_hashes: tuple[str, ...]
    """SHA-256 of the certificates that sign our Android apps (base64url, comma between), whose passkeys are taken.
    ANDROID_KEY_HASHES."""

    @property
    def secure(self) -> bool:
        """Whether people reach us over https, so that cookies are Secure and `__Host-`."""
        return self.api_base_url.startswith("https://")

    @property
    def embedded(self) -> bool:
        """Whether the database is our own embedded server."""
        return self.database_url is None


class SettingsError(Exception):
    """The configuration cannot be used; `problems` names every one as `VARIABLE: why`."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines of `path`; comments, blank lines, `export` and quotes as in a shell's simple case."""
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        name, sign, value = line.strip().removeprefix("export ").partition("=")
        if sign and not name.startswith("#"):
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
                value = value[1:-1]
            found[name.strip()] = value
    return found


def load(environ: Mapping[str, str] | None = None, env_file: Path | None = None) -> Settings:
    """The settings of this process; the environment wins over `.env`, an empty value counts as unset.

    Raises SettingsError with every problem at once.
    """
    given = {**read_env_file(env_file or Path(".env")), **(os.environ if environ is None else environ)}
    problems: list[str] = []

    def take(name: str, read: Callable[[str], T], default: T) -> T:
        text = given.get(name, "").strip()
        if not text:
            return default
        try:
            return read(text)
        except ValueError as why:
            problems.append(f"{name}: {why}")
            return default

    port = take("PORT", _whole(1, 65535), 8000)
    home = take("KAKSHA_HOME", lambda text: Path(text).expanduser(), Path("var")).absolute()
    database_url = take("DATABASE_URL", _postgres_url, None)
    database_owner_url = take("DATABASE_OWNER_URL", _postgres_url, None)
    if database_url is None and database_owner_url is not None:
        problems.append("DATABASE_OWNER_URL: set without DATABASE_URL; set both, or neither for the embedded server")
    settings = Settings(
        api_base_url=take("API_BASE_URL", _origin, f"http://localhost:{port}"),
        port=port,
        host=take("HOST", str, "127.0.0.1"),
        home=home,
        secret_key=take("KAKSHA_SECRET_KEY", _long, ""),
        database_url=database_url,
        database_owner_url=database_owner_url,
        database_direct_url=take("DATABASE_DIRECT_URL", _postgres_url, None),
        database_pool_size=take("DATABASE_POOL_SIZE", _whole(2, 500), 10),
        database_pooler=take("DATABASE_POOLER", _one_of(Pooler), "none"),
        worker=take("WORKER", _one_of(Worker), "inline"),
        log_format=take("LOG_FORMAT", _one_of(LogFormat), "text"),
        log_level=take("LOG_LEVEL", _one_of(Literal["debug", "info", "warning", "error"]), "info"),
        trusted_proxies=take("TRUSTED_PROXIES", _whole(0, 10), 0),
        max_body_bytes=take("MAX_BODY_BYTES", _whole(1024, 1 << 30), 1 << 20),
        metrics_token=take("METRICS_TOKEN", _long, None),
        smtp_url=take("SMTP_URL", _url_of("smtp", "smtps"), None),
        mail_from=take("MAIL_FROM", _mail_address, ""),
        sms_url=take("SMS_URL", _url_of("https", "http", "msg91"), None),
        sms_daily_cap=take("SMS_DAILY_CAP", _whole(1, 1_000_000), 2000),
        storage_url=take("STORAGE_URL", _url_of("s3", "file"), None),
        clamd_url=take("CLAMD_URL", _url_of("tcp", "unix"), None),
        files_person_mb=take("FILES_PERSON_MB", _whole(1, 10_000_000), 5 * 1024),
        files_institute_mb=take("FILES_INSTITUTE_MB", _whole(1, 100_000_000), 200 * 1024),
        android_key_hashes=take("ANDROID_KEY_HASHES", _key_hashes, ()),
    )
    if not settings.mail_from:
        host = urlsplit(settings.api_base_url).hostname
        settings = msgspec.structs.replace(settings, mail_from=f"no-reply@{host}")
    if settings.database_pooler == "transaction" and settings.database_direct_url is None:
        problems.append("DATABASE_DIRECT_URL: needed with DATABASE_POOLER=transaction, which loses notices")
    if problems:
        raise SettingsError(problems)
    if not settings.secret_key:
        settings = msgspec.structs.replace(settings, secret_key=_kept_secret(home / "secret-key"))
    return settings


def _kept_secret(path: Path) -> str:
    """The key in `path`, made on first use; losing it signs everybody out and makes sealed secrets unreadable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    key = path.read_text().strip()
    if len(key) < 32:
        raise SettingsError([f"KAKSHA_SECRET_KEY: {path} is damaged; restore it from a backup"])
    return key


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return read


def _one_of(choice: Any) -> Callable[[str], Any]:
    names: tuple[str, ...] = get_args(choice)

    def read(text: str) -> str:
        if text not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return text

    return read


def _long(text: str) -> str:
    if len(text) < 32:
        raise ValueError("must have at least 32 characters")
    return text


def _url_of(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not (parts.hostname or parts.scheme in ("file", "unix")):
            raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return text

    return read


def _mail_address(text: str) -> str:
    if not re.fullmatch(r"[^\s@<>,]+@[^\s@<>,]+", text):
        raise ValueError("must be a bare address such as no-reply@example.in")
    return text


def _key_hashes(text: str) -> tuple[str, ...]:
    hashes = tuple(part.strip() for part in text.split(",") if part.strip())
    if not all(re.fullmatch(r"[A-Za-z0-9_-]{43}", each) for each in hashes):
        raise ValueError("must be SHA-256 hashes in base64url without padding, 43 characters each")
    return hashes


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("must be an origin such as https://app.example.in, without a path")
    return text.rstrip("/")


def _postgres_url(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("must be a postgresql:// address")
    return text
