"""What a run runs on: devices, engines, batches, progress."""
