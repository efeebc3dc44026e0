"""Home: what each role sees first, as a page and as the dashboards of the API.

Rules guarded here: a dashboard is one statement, which decides in itself whether the caller may see it, so that a
stranger gets what a missing id gets; its answer holds local dates and no clock, so that an unchanged day is a 304.
"""
