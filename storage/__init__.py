"""The only package that knows the database and the folders: records out, never ORM rows."""
