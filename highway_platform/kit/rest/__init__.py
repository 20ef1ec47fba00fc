"""The edge of the API: permissions, errors, idempotency keys, paging and the size of a body."""
