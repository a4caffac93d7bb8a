"""Results on disk that survive: what is finished is kept, and nothing half-written is believed."""
