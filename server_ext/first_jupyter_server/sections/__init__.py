"""What a federation file may say of each kind of cluster."""
