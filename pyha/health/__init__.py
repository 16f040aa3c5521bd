"""Health checks: rise and fall, schedules, and what to say to a server (pure)."""
