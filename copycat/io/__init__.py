"""Files, the hub and hosted models: reading, writing, loading and closing; where shipped data lies."""
