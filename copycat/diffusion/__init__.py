"""What a pipeline of diffusers does inside, and ways to look at it and to change it."""
