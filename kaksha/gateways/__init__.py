"""The outside: what leaves the process, one module a provider, each with its own mapping of failures.

Guards that a failure of theirs is never one of ours: every call has a time limit, is repeated only where twice is the
same as once, stops for a while when nothing answers, and ends in an error that says whether to come back. No error, log
line or metric holds an address, a number, a text or what the other side wrote.
"""
