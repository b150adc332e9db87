"""Processes of our own: kept running, and talked to in JSON lines."""
