"""Where state is kept: the only package that imports sqlalchemy. Begin at `database.Store` and `transaction`."""
