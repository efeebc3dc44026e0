"""What a sign-in is once it is open: sessions of pages, tokens of apps and their rotation.

Rules guarded here: what was proven must still hold when a sign-in opens; a refresh token works once (with a grace for a
phone that refreshed twice at once) and a reused one ends its whole sign-in; what ended is refused everywhere within a
second.
"""
