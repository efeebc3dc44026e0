"""Files that people upload, and who may see them.

Rules: a file is what its bytes say it is, and each purpose takes its own kinds and sizes; what is refused leaves nothing
behind. Who may see a file is decided by rows (`file_grants`) that the feature writes on whose things the file hangs;
nobody else gets more than a missing file would give them. A row is written last, so that nothing half is ever visible.
"""
