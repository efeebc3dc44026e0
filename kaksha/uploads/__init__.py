"""How files come in, whole: one or many in a multipart body, or with a page's form.

Rules: a file is what its bytes say it is, each purpose takes its own kinds, sizes and people, quotas hold, pictures are
encoded anew, and what is refused leaves neither a row nor an object behind.
"""
