"""What to minimise. Every loss is imported from here: `from minimand.losses import GCELoss, gce_loss`."""

from minimand.contracts.lazy import lazy_names

__getattr__, __dir__ = lazy_names(__name__, __file__)
