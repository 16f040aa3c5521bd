"""Statistics: fields, CSV and page (pure)."""
