"""The guards: rules that hold for every feature, checked by looking at all that exists.

Each guard finds its subjects itself, so a new feature is covered without a word here, and says how many it must at
least have seen, so that it cannot pass by seeing none. What later issues still owe stands in `pending/`; those lists
may only shrink. What is generated (routes, budgets, the description, the schema, reference pages) is compared with the
committed file; `python -m tests.contracts.update` writes them anew, and CI never runs it.
"""
