"""Training at size: the log in parts on the disk, the work on the machines of a Dask cluster."""
