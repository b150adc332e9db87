"""The cluster's side of first-jupyter: what runs where the models run."""
