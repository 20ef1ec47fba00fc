"""Settings: `base` for everybody, `dev`, `test` and `prod` on top, `config` reads config.ini."""
