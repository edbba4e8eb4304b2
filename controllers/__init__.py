"""The loops that turn desired state into observed state; none knows another."""

import os

# Nothing here multiplies matrices, and the thread pool that numpy's OpenBLAS starts on import spins at the scheduler's
# expense. It reads the variable when it is loaded, so this comes before any import of numpy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
