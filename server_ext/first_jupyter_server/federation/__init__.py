"""The clusters and models one user can reach, merged."""
