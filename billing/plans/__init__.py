"""What is sold: one file a plan with every version that was ever offered, reviewed like code."""
