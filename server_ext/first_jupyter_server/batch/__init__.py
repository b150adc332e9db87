"""OpenAI's files and batches on the federation."""
