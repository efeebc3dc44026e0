"""What only the command line needs: the demo institute, the large seed, the operator's checks, and, with later
features, what stands in for the outside world (the providers' emulators). Nothing else imports it.
"""
