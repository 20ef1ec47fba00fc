"""The proof: faults at every place of the engine, and oracles that say what must hold whatever happened. See docs/reliability.md."""
