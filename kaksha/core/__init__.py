"""What every feature stands on; it knows nothing about coaching and imports no feature."""
