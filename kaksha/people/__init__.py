"""The people of an institute: students, teachers, parents and admins, and who is whose parent.

Rules guarded here: an institute sees its own people only, and a teacher only the students they teach; only an owner
touches admins and what they may do; an institute is never without an owner; a parent is linked to students, never to
themselves; somebody who is disabled is signed out everywhere at once; names, e-mails and phones enter the audit log
sealed only.
"""
