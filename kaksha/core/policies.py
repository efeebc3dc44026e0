"""Who may call a route: every route has one policy, and finding the caller is its work."""

from typing import TYPE_CHECKING, Any, cast

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from kaksha.core.cookies import page_cookie
from kaksha.core.errors import Forbidden, NotSignedIn

if TYPE_CHECKING:
    from kaksha.core.http import Principal, Request

__all__ = ["EVERY_ROLE", "Policy", "allow", "public"]


class Policy:
    """Who may call a route. It is the route's guard: it finds the caller and turns the others away."""

    def __init__(self, roles: frozenset[str], permissions: frozenset[str], why: str | None) -> None:
        self.roles = roles
        self.permissions = permissions
        """Of these an admin needs one; empty asks for none. An owner has them all."""
        self.why = why
        """For a public route: the reason it is one."""

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        await self.admit(connection)

    async def admit(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """Finds the caller. Raises NotSignedIn or Forbidden."""
        request = cast("Request", connection)
        try:
            caller = await _caller(request)
        except NotSignedIn:
            if self.why is None:
                raise
            caller = None  # a public route needs no proof, so a spent one beside the request does no harm
        if caller is not None:
            request.scope["user"] = caller
        if self.why is not None:
            return
        if caller is None:
            raise NotSignedIn
        if not self.roles & caller.roles:
            raise Forbidden
        if self.permissions and not (self.permissions | {"owner"}) & caller.permissions:
            raise Forbidden

    def __str__(self) -> str:
        if self.why is not None:
            return f"public: {self.why}"
        return "+".join(sorted(self.roles)) + (
            f" with {' or '.join(sorted(self.permissions))}" if self.permissions else ""
        )


EVERY_ROLE = frozenset({"student", "teacher", "parent", "admin"})


def allow(*roles: str, permission: str | tuple[str, ...] = ()) -> list[Any]:
    """The policy of a route for signed-in people: any role when none is named; one of an admin's permissions."""
    permissions = frozenset((permission,) if isinstance(permission, str) else permission)
    unknown = set(roles) - EVERY_ROLE
    if unknown:
        raise ValueError(f"no such role: {', '.join(sorted(unknown))}")
    return [Policy(frozenset(roles) or EVERY_ROLE, permissions, None)]


def public(why: str) -> list[Any]:
    """The policy of a route that nobody needs to sign in for, and the reason."""
    return [Policy(frozenset(), frozenset(), why)]


async def _caller(request: "Request") -> "Principal | None":
    """API routes take a bearer token, pages take the cookie; neither takes the other's."""
    if request.is_api:
        # Straight from the scope: the framework's header object costs more than the check itself.
        proof = next((value for name, value in request.scope["headers"] if name == b"authorization"), b"")
        kind, _, token = proof.decode("latin-1").partition(" ")
        if kind.lower() != "bearer" or not token:
            return None
        return await request.core.authenticator.token(token.strip())
    cookie = request.cookies.get(page_cookie(request.core.settings))
    return await request.core.authenticator.cookie(cookie) if cookie else None
