"""Imports LightGBM without scikit-learn, for a server: `import recommender.ranking.light`.

LightGBM imports scikit-learn for classes that nothing here uses, and with it most of scipy: 40 MB in each process.
Where scikit-learn cannot be imported, LightGBM does without. Nobody else is kept from importing it afterwards. Not
for the library: a notebook may want `lightgbm.LGBMClassifier`.
"""

from __future__ import annotations

import sys

__all__: list[str] = []

if "sklearn" not in sys.modules and "lightgbm" not in sys.modules:
    sys.modules["sklearn"] = None  # type: ignore[assignment]  # documented: importing it raises ImportError
    try:
        import lightgbm  # noqa: F401
    finally:
        del sys.modules["sklearn"]
