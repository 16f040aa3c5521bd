"""What to do with a client connection (pure)."""
