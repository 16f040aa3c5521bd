"""Text to one frozen model (pure)."""
