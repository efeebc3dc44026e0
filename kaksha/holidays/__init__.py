"""Holidays: days without classes, of the institute or of one batch.

Rules guarded here: a holiday cancels the classes of its days that have not begun, and gives back those it cancelled,
and no others, when it is moved or taken back; whoever would have come hears of it.
"""
