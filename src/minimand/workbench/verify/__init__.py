"""`minimand verify`: run the claims of components again and compare the verdicts with the recorded ones."""
