"""Classes: what meets when, with whom and where; who sees it, who starts and ends it, and how it is moved.

Rules guarded here: no teacher, room or batch is twice at one time, also when two people press at once, and who tries
hears which class is in the way and when there is room; one sees the classes of one's batches on the days one was in
them; only its teacher or an admin starts and ends a class, and nothing about one that was held is rewritten.
"""
