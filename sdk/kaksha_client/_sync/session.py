# Made by scripts/unasync.py of _async/session.py: change that one.
"""How one call reaches the server: tokens, retry and breaker, one refresh after a 401."""

from __future__ import annotations

import time
from typing import Any, TypeVar

import httpx2

from .._refresh import Flight, Refreshes, outcome_of, to_the_end
from .._wire import SIGN_IN_FAILURES, Call, log, path_of, read_answer, shaped, tokens_of
from ..errors import (
    SESSION_EXPIRED,
    AuthenticationError,
    CircuitOpen,
    KakshaError,
    NetworkError,
    from_exception,
    text_in,
)
from ..models import Answer, Page, SignIn
from ..resilience import CircuitBreaker, RetryPolicy
from ..tokens import Tokens, TokenStore

T = TypeVar("T")


class Session:
    """What the resources share. `store` is the token store, `language` the one of texts for people."""

    def __init__(
        self,
        http: httpx2.Client,
        *,
        store: TokenStore,
        policy: RetryPolicy,
        breaker: CircuitBreaker,
        language: str,
    ) -> None:
        self.store = store
        self.language = language
        self._http = http
        self._policy = policy
        self._breaker = breaker
        self._refreshes = Refreshes(store)

    def read(self, shape: type[T], template: str, *ids: str, **params: Any) -> T:
        """GET one thing; *template* has a `{}` for each of *ids*."""
        answer = self.send(Call("GET", path_of(template, *ids), params=params))
        return shaped(answer.data, shape, self.language)

    def read_page(self, shape: type[T], path: str, **params: Any) -> Page[T]:
        answer = self.send(Call("GET", path, params=params))
        items = shaped(answer.data, list[shape], self.language)
        return Page(items=items, pagination=answer.pagination)

    def send(self, call: Call) -> Answer:
        """Make the call; if the access token has run out, refresh it and make the call once more."""
        tokens = self.store.load()
        try:
            return self._send(call, tokens)
        except AuthenticationError as error:
            if tokens is None or call.signing_in or error.code in SIGN_IN_FAILURES:
                raise
        return self._send(call, self.refresh(tokens))

    def refresh(self, stale: Tokens) -> Tokens:
        """The tokens that follow *stale*, with one refresh for all who ask.

        1. If the store holds others by now, those are the ones.
        2. The first who asks refreshes; all others wait for the same outcome.
        3. If the server refuses the refresh token, the sign-in is over: the tokens are deleted.
        4. Any other failure, such as a dead network, says nothing about the sign-in: the tokens stay.
        """
        joined = self._refreshes.join(stale)
        if joined is not None:
            flight, leads = joined
            if leads:
                to_the_end(self._fly(flight, stale))
            outcome_of(flight)
        fresh = self.store.load()
        if fresh is None or fresh.user_id != stale.user_id:  # signed out, or somebody else signed in
            raise self._expired()
        return fresh

    def _fly(self, flight: Flight, stale: Tokens) -> None:
        try:
            self._exchange(stale)
        except Exception as error:
            self._refreshes.land(flight, error)
        except BaseException:  # the loop or the program ends: do not leave the others waiting
            self._refreshes.land(flight, NetworkError(language=self.language))
            raise
        else:
            self._refreshes.land(flight)

    def _exchange(self, stale: Tokens) -> None:
        # Not repeated: the server may have used up the token although its answer was lost.
        call = Call("POST", "/auth/refresh", json={"refreshToken": stale.refresh})
        try:
            answer = self._send(call, None)
        except KakshaError as error:
            if error.status not in (400, 401):
                raise
            # If the store has changed, another program that shares it was faster, and its tokens are good.
            if self._refreshes.replace(stale, None):
                raise self._expired(error) from None
            return
        fresh = shaped(answer.data, SignIn, self.language)
        self._refreshes.replace(stale, tokens_of(fresh))

    def _send(self, call: Call, tokens: Tokens | None) -> Answer:
        headers = call.headers(tokens.access if tokens else None)

        def attempt() -> Answer:
            started = time.monotonic()
            try:
                response = self._http.request(
                    call.method,
                    f"/v1{call.path}",
                    content=call.content,
                    params=call.params or None,
                    headers=headers,
                )
            except httpx2.RequestError as error:
                log(call, type(error).__name__, started)
                raise from_exception(error, language=self.language, request_id=call.request_id) from error
            log(call, response.status_code, started)
            return read_answer(call, response, self.language)

        try:
            return self._policy.run(attempt, safe=call.safe, breaker=self._breaker)
        except CircuitOpen as error:  # comes from the breaker, which knows neither
            error.request_id = call.request_id
            error.user_message = text_in(error.texts, self.language)
            raise
        except TimeoutError as error:  # of the policy, for a try that took too long as a whole
            raise from_exception(error, language=self.language, request_id=call.request_id) from error

    def _expired(self, cause: KakshaError | None = None) -> AuthenticationError:
        return AuthenticationError(
            SESSION_EXPIRED["en"],
            code="SESSION_EXPIRED",
            user_message=text_in(SESSION_EXPIRED, self.language),
            status=cause.status if cause else None,
            request_id=cause.request_id if cause else None,
        )
