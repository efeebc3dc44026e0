"""Passkeys (WebAuthn): sign in by the device's own lock, without a password.

Rules guarded here: a challenge is ours, young, used once, and bound to what it was made for; a key signs in the person
it was made for and nobody else; a key that looks copied is refused, not its owner.
"""
