"""Joining an institute: registering by an invite or by the institute's code, invites, and who waits for approval.

Rules guarded here: nobody makes themselves a teacher or admin without an invite, and an invite gives its own role only;
whoever comes with the institute's code alone waits until an admin lets them in; an invite is used as often as it says
and not once more, also by many at once; its code is kept as a hash, and what is wrong with one is never told; whoever
hands out an invite could have done by hand what it does.
"""
