"""What crosses the wire between the Jupyter server and a cluster."""

from .replica import Load, ModelSpec, QueuedJob, ReplicaRecord, Stage, Weights, Wire

__all__ = ["Load", "ModelSpec", "QueuedJob", "ReplicaRecord", "Stage", "Weights", "Wire"]
