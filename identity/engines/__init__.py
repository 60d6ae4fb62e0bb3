"""Engine packs: pinned models that detect and embed faces."""
