"""What belongs to one's account beside the proof itself: sign-ins, the role one acts in, preferences, the picture and,
for staff, the second step.

Rules guarded here: everybody sees and ends only their own sign-ins; one acts only in a role that one holds; a picture
is decoded and made anew before it is kept; a code of the second step works once, and only a few may be tried.
"""
