"""The only home of psycopg in the engine: connections, SQL files, error translation, migrations, LISTEN."""
