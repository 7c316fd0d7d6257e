"""How to judge a model. Every metric is imported from here: `from minimand.evaluation import accuracy_metric`."""

from minimand.contracts.lazy import lazy_names

__getattr__, __dir__ = lazy_names(__name__, __file__)
