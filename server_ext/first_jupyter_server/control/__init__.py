"""The control API, shared by the browser and the kernel."""
