"""What was used: requests and nodes, in one SQLite file; never a prompt, never an answer."""
