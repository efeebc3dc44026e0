"""The Python client of a Kaksha server.

`KakshaClient` blocks, `AsyncKakshaClient` awaits; else they are the same. `kaksha_client.resilience` holds
the retry and the circuit breaker, which the server uses for its own calls too.
"""

from ._async.client import AsyncKakshaClient
from ._sync.client import KakshaClient
from ._version import __version__
from .errors import (
    AuthenticationError,
    CircuitOpen,
    ClientError,
    ErrorType,
    KakshaError,
    NetworkError,
    PermissionDenied,
    RateLimited,
    ServerError,
    ServiceUnavailable,
    TimedOut,
    ValidationError,
)
from .models import Answer, Page, Pagination, Profile, ProfileChoice, ProfileOption, SignIn, User
from .resilience import Breakers, CircuitBreaker, RetryPolicy, State
from .tokens import FileTokenStore, MemoryTokenStore, Tokens, TokenStore

__all__ = [
    "Answer",
    "AsyncKakshaClient",
    "AuthenticationError",
    "Breakers",
    "CircuitBreaker",
    "CircuitOpen",
    "ClientError",
    "ErrorType",
    "FileTokenStore",
    "KakshaClient",
    "KakshaError",
    "MemoryTokenStore",
    "NetworkError",
    "Page",
    "Pagination",
    "PermissionDenied",
    "Profile",
    "ProfileChoice",
    "ProfileOption",
    "RateLimited",
    "RetryPolicy",
    "ServerError",
    "ServiceUnavailable",
    "SignIn",
    "State",
    "TimedOut",
    "TokenStore",
    "Tokens",
    "User",
    "ValidationError",
    "__version__",
]
