"""Questions that runs ask people: reading them and deciding."""
