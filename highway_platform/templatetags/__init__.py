"""Template tags without product knowledge."""
