"""What stands in for the outside world: the demo institute and, with later features, the providers' emulators.

Nothing but the command line imports it.
"""
