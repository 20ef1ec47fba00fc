"""Commands of the platform. Thin: parse, call, print."""
