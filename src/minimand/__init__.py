"""minimand: everything that decides what a model learns, as drop-in PyTorch components."""

__version__ = "0.1.0"
