"""What people are told: kinds of notices, the list of each person, what they want to hear of and by which channel.

Rules guarded here: a notice exists exactly when the change that it tells of does; it is said in the reader's language;
it is its receiver's alone, and for anybody else a missing one; what is taken back in time is never sent.
"""
