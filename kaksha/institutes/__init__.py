"""The tenant: an institute's name, contact, language and time zone, and the subjects it teaches.

Rules guarded here: nobody reads or changes another institute; an institute's zone is one that Python and PostgreSQL
both know; no two subjects share a name or code; a subject that a running batch still teaches is not archived.
"""
