"""The OpenAI surface itself: a small process that forwards bytes between kernels and replicas."""
