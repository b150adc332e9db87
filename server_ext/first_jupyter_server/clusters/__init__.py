"""The kinds of clusters, one file each."""
