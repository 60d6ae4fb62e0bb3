"""The dialect of Gorse (https://gorse.io), as its own Python client speaks it: `docs/dialects/gorse.md`."""
