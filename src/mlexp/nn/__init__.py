"""The backpropagation engine: plain NumPy, with or without a leading axis of replicas."""
