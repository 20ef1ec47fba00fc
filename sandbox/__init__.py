"""Where programs that users wrote run: never in our processes. Fills `engine.ports.Sandbox`."""
