"""Small shared data sets, and what is measured on them, for the experiments of claims."""
