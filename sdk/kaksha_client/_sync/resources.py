# Made by scripts/unasync.py of _async/resources.py: change that one.
"""The methods, grouped as the API is. Each raises the KakshaError that its answer means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .._wire import Call, path_of, shaped, tokens_of
from ..errors import AuthenticationError
from ..models import Page, Profile, ProfileChoice, SignIn
from .session import Session

Json = dict[str, Any]  # until the server's shape of it stands


class Resource:
    def __init__(self, session: Session) -> None:
        self._session = session


class Auth(Resource):
    def login(
        self,
        *,
        email: str | None = None,
        phone: str | None = None,
        password: str | None = None,
        profile_ticket: str | None = None,
        user_id: str | None = None,
    ) -> SignIn | ProfileChoice:
        """Sign in with e-mail or phone and password; the tokens go to the store.

        A phone may belong to several people. Then the answer is a ProfileChoice: call again with its
        `profile_ticket` and the `user_id` of one of its `profiles`. A wrong password is an
        AuthenticationError with the server's words as `user_message`.
        """
        given = {
            "email": email,
            "phone": phone,
            "password": password,
            "profileTicket": profile_ticket,
            "userId": user_id,
        }
        body = {name: value for name, value in given.items() if value is not None}
        answer = self._session.send(Call("POST", "/auth/login", json=body))
        if "profiles" in (answer.data or ()):
            return shaped(answer.data, ProfileChoice, self._session.language)
        sign_in = shaped(answer.data, SignIn, self._session.language)
        self._session.store.save(tokens_of(sign_in))
        return sign_in

    def logout(self, *, everywhere: bool = False) -> None:
        """Sign out, on all devices if `everywhere`.

        The tokens here are deleted in any case. An error means that the server may not know of it: then the
        sign-in lives there until it expires.
        """
        tokens = self._session.store.load()
        if tokens is None:
            return
        body = {"refreshToken": tokens.refresh, "everywhere": everywhere}
        try:
            self._session.send(Call("POST", "/auth/logout", json=body))
        except AuthenticationError:
            if everywhere:
                raise  # this sign-in was over already, but the others were not ended
        finally:
            self._session.store.save(None)

    def refresh(self) -> None:
        """Replace the tokens in the store now. Calls do this themselves when they have to.

        AuthenticationError "Session expired. Please login again." if the server refuses.
        """
        tokens = self._session.store.load()
        if tokens is None:
            raise AuthenticationError(language=self._session.language)
        self._session.refresh(tokens)


class Users(Resource):
    def profile(self) -> Profile:
        return self._session.read(Profile, "/users/profile")

    def update_profile(
        self, *, name: str | None = None, language: str | None = None, theme: str | None = None
    ) -> Profile:
        """Change what is given, leave the rest."""
        given = {"name": name, "language": language, "theme": theme}
        body = {field: value for field, value in given.items() if value is not None}
        answer = self._session.send(Call("PATCH", "/users/profile", json=body))
        return shaped(answer.data, Profile, self._session.language)

    def dashboard(self, role: str) -> Json:
        """The home of one of the roles that one holds; PermissionDenied for another."""
        return self._session.read(Json, "/users/dashboard/{}", role)


class Students(Resource):
    def dashboard(self, student_id: str) -> Json:
        return self._session.read(Json, "/students/{}/dashboard", student_id)


class Teachers(Resource):
    def dashboard(self, teacher_id: str) -> Json:
        return self._session.read(Json, "/teachers/{}/dashboard", teacher_id)


class Parents(Resource):
    def dashboard(self, parent_id: str) -> Json:
        return self._session.read(Json, "/parents/{}/dashboard", parent_id)

    def children(self, parent_id: str) -> list[Json]:
        return self._session.read(list[Json], "/parents/{}/children", parent_id)


class Batches(Resource):
    def list(self, *, page: int = 1, limit: int = 20) -> Page[Json]:
        """The batches that one belongs to, `limit` (at most 100) a page."""
        return self._session.read_page(Json, "/batches", page=page, limit=limit)

    def iterate(self, *, limit: int = 100) -> Iterator[Json]:
        """All of them, page after page as they are needed."""
        page = 1
        while True:
            answer = self.list(page=page, limit=limit)
            for batch in answer.items:
                yield batch
            if not answer.pagination or page >= (answer.pagination.total_pages or 0):
                return
            page += 1

    def get(self, batch_id: str) -> Json:
        return self._session.read(Json, "/batches/{}", batch_id)


class Subjects(Resource):
    def list(self, *, page: int = 1, limit: int = 100) -> Page[Json]:
        return self._session.read_page(Json, "/subjects", page=page, limit=limit)


class Institutes(Resource):
    def get(self) -> Json:
        """One's own institute."""
        return self._session.read(Json, "/institutes")


class Notifications(Resource):
    def list(self, *, unread: bool = False, cursor: str | None = None, limit: int = 20) -> Page[Json]:
        """One's own notices, newest first; `pagination.next_cursor` is the `cursor` of what follows."""
        more = {} if cursor is None else {"cursor": cursor}
        more["unread"] = str(unread).lower()
        return self._session.read_page(Json, "/notifications", limit=limit, **more)

    def read(self, notification_id: str) -> Json:
        """Mark one as read."""
        answer = self._session.send(Call("POST", path_of("/notifications/{}/read", notification_id)))
        return shaped(answer.data, Json, self._session.language)

    def read_all(self) -> None:
        self._session.send(Call("POST", "/notifications/read-all"))

    def delete(self, notification_id: str) -> None:
        self._session.send(Call("DELETE", path_of("/notifications/{}", notification_id)))

    def preferences(self) -> Json:
        return self._session.read(Json, "/notifications/preferences")

    def change_preferences(self, **changes: Any) -> Json:
        """Change what is given (`groups`, `quietHours`, `digest`), leave the rest."""
        answer = self._session.send(Call("PUT", "/notifications/preferences", json=changes))
        return shaped(answer.data, Json, self._session.language)

    def push(self) -> Json:
        """The key that browsers subscribe with, and one's devices that take push."""
        return self._session.read(Json, "/notifications/push")

    def add_app(self, token: str) -> None:
        """Let this device take push by its Firebase token, for as long as one is signed in."""
        self._session.send(Call("POST", "/notifications/push", json={"service": "fcm", "token": token}))

    def remove_device(self, target_id: str) -> None:
        self._session.send(Call("DELETE", path_of("/notifications/push/{}", target_id)))
