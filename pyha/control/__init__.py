"""What the processes of pyha and its operator say to each other (pure)."""
