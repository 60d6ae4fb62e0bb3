"""Speed and memory, as ratios from one run: `python -m bench`."""

import os

# One thread for each sum, as the server runs: set before numpy is loaded.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
