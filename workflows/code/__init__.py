"""Code that tenants store for their runs: artifacts, modules, and which of it a run uses."""
