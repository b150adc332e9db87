"""Looks a Jupyter server's side over: small checks, what each found and what to do; no server loads it."""
