"""Files that people have uploaded, and who may see them.

Rules: who may see a file is decided by rows (`file_grants`) that the feature writes on whose things the file hangs;
nobody else gets more than a missing file would give them. Nothing is shown in a page that could run in it. What hangs
on nothing goes away after a day.
"""
