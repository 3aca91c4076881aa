"""Server resources: what is registered, what is seen, what was allocated, what is used, and what will run out."""
