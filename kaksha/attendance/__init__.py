"""Attendance: marking a whole class at once, correcting it later, and telling parents who is not there.

Rules guarded here: a class that was held is marked by who gives it or by academics, for the students who were in it on
its day; of two marks of a student the one taken later holds, whenever it arrives, and whoever is overruled hears by
whom; what a phone sends twice counts once, for ever; parents are told when the time to undo is over, and hear of a
correction when they knew already.

What it comes to is read by `registers`; others read the SQL functions `attendance_of` (each held class of students,
with the mark) and `attendance_shares` (percentage since joining, "can miss N more").
"""
