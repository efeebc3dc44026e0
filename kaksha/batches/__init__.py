"""Batches: who studies together for a session, what they are taught and by whom, and who is in them from when on.

Rules guarded here: on no day are more students in a batch than it has seats, also when two people press at once; a
student is in a batch once at a time; a subject has one teacher in a batch, both of this institute; one sees the batches
one belongs to, and the roster only as their teacher or an admin. An enrolment ends, it is never deleted.
"""
