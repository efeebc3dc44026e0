"""Schedules: the week and the day of a student, a teacher, a batch, a room or the whole institute, and as a calendar.

Rules guarded here: a week is one statement; one sees the classes of one's batches on the days one was in them, and a
parent those of their children; a calendar's address names its institute and is worth nothing once it was revoked.
"""
