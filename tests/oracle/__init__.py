"""An implementation of the definitions that shares nothing with the warehouse: what its results are compared with."""
