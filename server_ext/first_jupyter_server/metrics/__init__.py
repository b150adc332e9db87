"""What an operator's Prometheus reads: counted and timed, never what was asked, nor by which notebook."""
