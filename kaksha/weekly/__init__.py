"""The weekly timetable of a batch, and the classes that are made of it four weeks ahead.

Rules guarded here: a class is made once for a slot and a day, however often the job runs or is killed; its time is that
of the institute's clock, also in the week in which clocks change; nothing is made on a holiday or into another class;
two slots of one teacher, room or batch never meet.
"""
