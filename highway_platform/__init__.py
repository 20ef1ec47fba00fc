"""The Django project: settings, addresses, wiring, and the kit that every app uses."""
