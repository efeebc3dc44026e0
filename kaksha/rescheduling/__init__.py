"""Classes that change: moved (this one, this and those after it, all), given by somebody else, cancelled.

Rules guarded here: what has begun is not moved and what is over not changed; a series moves as a whole or not at all,
and never into another class; whoever comes to the class, or gives it, hears of it in the same transaction.
"""
