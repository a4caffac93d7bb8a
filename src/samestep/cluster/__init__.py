"""Beyond one machine: the same chunks on a Dask cluster."""
