"""The probes of the autodiff atlas, category by category, free of any framework."""
