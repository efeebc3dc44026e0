"""Registers: what attendance comes to, for the student, their parents, their teachers and the office.

Rules guarded here: only classes count that were held on a day on which the student was in the batch; a class that
nobody has marked stands apart and counts for nothing, and excused leaves the sum; one sees one's own record, one's
children's and those of students one teaches, and for anybody else it is not there.
"""
