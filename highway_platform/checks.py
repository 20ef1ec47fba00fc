"""System checks of the platform: they stop every command, and so the web server, before a mistake can be served."""
