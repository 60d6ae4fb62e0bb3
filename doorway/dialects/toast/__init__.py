"""Toast's loyalty integration, as its platform calls it: `docs/dialects/toast.md`."""
