"""Fetch the small model of this machine, so that its first start need not wait for a download."""

import sys

from first_jupyter_remote.protocol import Weights
from first_jupyter_remote.weights import WeightsError, cache_dir, fetch
from first_jupyter_server import config

for cluster in config.embedded().clusters.values():
    for model in cluster.models:
        weights = Weights.from_json(model.weights.model_dump())
        try:
            fetch(weights, cache_dir(), lambda *_: None)
        except WeightsError as error:
            sys.exit(f"{model.id}: {error}")
