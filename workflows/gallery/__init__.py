"""Templates to begin with: whole workflows that run as they are, one source file each in `templates/`.

They are data and never imported: people get them as text. `compiled.json` holds what the sandbox makes of them (``make gallery``), so that showing
them costs no sandbox; a test compiles each anew, and another runs it.
"""
