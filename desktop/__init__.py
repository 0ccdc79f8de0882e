"""Glassbox: learn how deep learning and language models work by running them."""

import os

__version__ = "0.1.0"

# NumPy's BLAS must not start threads of its own: our arrays are small, and a second thread that
# spins while the interface needs the core costs more than it brings (measured on two cores: the
# playground's worst repeats fell from 5x to 1.1x slower than the median). It is read when NumPy is
# first imported, so it has to be here. torch brings its own threads and is not affected.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
