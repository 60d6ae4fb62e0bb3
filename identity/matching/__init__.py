"""From a vector to a decision: gallery, calibration, threshold."""
