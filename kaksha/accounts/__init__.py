"""Who you are: sign-in, sessions for pages, tokens for the API, the profile.

Rules guarded here: a stranger learns nothing from an answer or its time; a refresh token works once (with a grace for a
phone that refreshed twice at once) and a reused one ends its whole sign-in; what ended is refused everywhere within a
second.
"""
