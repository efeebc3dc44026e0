"""Every route says exactly once who may call it, and the whole table is committed: a new right shows in the diff."""

from kaksha.core.http import EVERY_ROLE, Policy
from tests.contracts.app import Route, application, routes
from tests.contracts.committed import HERE, compare

_LEAST = 25


def test_every_route_has_one_policy() -> None:
    assert len(routes()) >= _LEAST, "saw hardly any route"
    wrong = [
        route.name
        for route in routes()
        if [isinstance(guard, Policy) for guard in route.handler.resolve_guards()] != [True]
    ]
    assert not wrong, f"guards=allow(...) or guards=public('why'), once: {wrong}"


def test_a_public_route_says_why() -> None:
    silent = [route.name for route in routes() if route.public and len(route.policy.why or "") < 10]
    assert not silent, f"public('...') says why nobody needs to sign in: {silent}"


def test_nothing_is_mounted_beside_the_routes() -> None:
    """A mounted application or a websocket handler would have no policy."""
    kinds = {type(route).__name__ for route in application().routes}
    assert kinds == {"HTTPRoute"}, f"{kinds}: only HTTP routes carry policies"


def test_no_two_routes_answer_the_same_request() -> None:
    names = [route.name for route in routes()]
    assert len(names) == len(set(names))


def test_committed_routes() -> None:
    lines = [f"{route.method:6} {route.path}  {_who(route)}" for route in routes()]
    head = "# Who may call what: `*` any signed-in person, `-` nobody needs to sign in. Made by tests.contracts.update."
    compare(HERE / "routes.txt", "\n".join([head, *lines]) + "\n")


def _who(route: Route) -> str:
    if route.public:
        return f"- ({route.policy.why})"
    roles = "*" if route.policy.roles == EVERY_ROLE else "+".join(sorted(route.policy.roles))
    rights = " or ".join(sorted(route.policy.permissions))
    return f"{roles} with {rights}" if rights else roles
