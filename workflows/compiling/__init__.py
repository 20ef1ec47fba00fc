"""Sources that are looked at and not stored: for the editor, and for programs that write definitions."""
