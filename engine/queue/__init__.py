"""What the engine does to the database: one method, one SQL call, on a connection that is given."""
