"""PostgreSQL from a wheel, started at the first connection: nothing to install beside."""
