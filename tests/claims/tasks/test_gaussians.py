"""Gaussian clusters and their true class probabilities."""

from __future__ import annotations

import torch
from scipy import stats
from torch import Generator

from minimand.claims.tasks.gaussians import GaussianClusters


def test_posterior_is_bayes_rule_on_the_densities_of_scipy():
    clusters = GaussianClusters.random(Generator().manual_seed(0), n_classes=4, n_features=3, spread=1.0)
    x = clusters.sample(20, Generator().manual_seed(1)).x
    normals = [stats.multivariate_normal(mean.numpy()) for mean in clusters.means]
    densities = torch.tensor([normal.pdf(x.numpy()).tolist() for normal in normals]).t()
    expected = densities / densities.sum(1, keepdim=True)
    torch.testing.assert_close(clusters.log_posterior(x).exp(), expected, rtol=1e-3, atol=1e-5)


def test_rows_lie_around_the_mean_of_their_class_and_classes_are_alike():
    clusters = GaussianClusters(torch.tensor([[-3.0, 0.0], [0.0, 5.0]]))
    rows = clusters.sample(20_000, Generator().manual_seed(0))
    for k in (0, 1):
        own = rows.x[rows.y == k]
        assert abs(len(own) / 20_000 - 0.5) < 0.02
        torch.testing.assert_close(own.mean(0), clusters.means[k], atol=0.05, rtol=0)
        torch.testing.assert_close(own.T.cov(), torch.eye(2), atol=0.08, rtol=0)


def test_spread_is_the_deviation_of_the_means():
    clusters = GaussianClusters.random(Generator().manual_seed(0), n_classes=200, n_features=50, spread=0.6)
    assert abs(float(clusters.means.std()) - 0.6) < 0.02
