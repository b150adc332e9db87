"""The OpenAI surface on Jupyter's own port."""
