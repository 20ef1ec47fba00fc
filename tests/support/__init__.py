"""What tests stand on: a throw-away PostgreSQL, databases cloned from templates, and the real processes of the platform."""
