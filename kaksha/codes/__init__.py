"""Codes and links that prove who one is: one-time codes by SMS, links to verify an e-mail or set a new password.

Rules guarded here: nothing tells a stranger whether a person exists, neither an answer nor its time, because whatever
depends on it happens in a job; a link works once, expires, and is kept as a hash; a code has five tries and works once.
"""
