"""The ways by which bytes travel between this server and a replica that it cannot reach by itself."""
