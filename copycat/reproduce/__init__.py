"""The paper's Tables 1 and 2 on real models, from what they cost to what can be published."""
