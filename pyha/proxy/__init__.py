"""What to do with a client connection: admit it, find it a server, try again, queue, give up, log (pure)."""
