"""The database engine of Django's settings: django-tenants' own, with a look at a pooled connection that costs no round trip."""
