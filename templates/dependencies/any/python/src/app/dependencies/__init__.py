"""Everything the service calls: one folder for each kind, each with an `install` that adds its parts."""
