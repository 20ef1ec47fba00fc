"""Plain typed data that the engine's rooms hand to each other. No I/O, no clock, no behaviour beyond reading itself."""
