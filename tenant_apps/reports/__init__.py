"""What was sold, to whom, and what lies on the shelves: the same figures for the API, the portal and CSV."""
