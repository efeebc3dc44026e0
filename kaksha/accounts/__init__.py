"""Who you are: the proof by password, the choice of a profile, one's own record.

Rules guarded here: a stranger learns nothing from an answer or its time; wrong passwords are counted so that they
neither go on for ever nor lock anybody else out.
"""
