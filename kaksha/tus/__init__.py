"""Uploads in pieces, for bad networks: tus 1.0 with creation, expiration, checksum and termination.

Rules: what was received stays received, whoever dies; an upload's address is its proof, so that one which takes longer
than a token lives goes on, and it names its institute and upload only; the last piece counts in the transaction that
writes the file's row; what is refused, abandoned or ended leaves nothing behind.
"""
