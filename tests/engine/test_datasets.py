"""The data sets have the shapes their names promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from desktop.engine import datasets


def draw(name, n=1000, noise=0.0, seed=0):
    return datasets.make_points(name, n, noise, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", datasets.DATASETS)
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_shapes_types_and_range(name, noise):
    x, y = draw(name, 501, noise)
    assert x.shape == (501, 2)
    assert y.shape == (501,)
    assert x.dtype == y.dtype == np.float32
    assert np.isfinite(x).all()
    assert np.abs(y).max() <= 1
    assert datasets.is_classification(y) == (name in datasets.CLASSIFICATION)


@pytest.mark.parametrize("name", datasets.DATASETS)
def test_a_seed_gives_the_same_points_again(name):
    (x, y), (x2, y2) = draw(name, seed=5), draw(name, seed=5)
    np.testing.assert_array_equal(x, x2)
    np.testing.assert_array_equal(y, y2)
    assert not np.array_equal(x, draw(name, seed=6)[0])


@pytest.mark.parametrize("name", datasets.CLASSIFICATION)
def test_classes_are_balanced_and_mixed(name):
    _, y = draw(name, 2000)
    assert abs(y.mean()) < 0.1
    assert abs(y[:1000].mean()) < 0.15


def test_circle_is_a_disc_in_a_ring_with_a_gap():
    x, y = draw("circle")
    radius = np.hypot(*x.T)
    assert radius[y > 0].max() < 2.5
    assert radius[y < 0].min() >= 3.5
    assert radius.max() <= 5


def test_xor_is_the_sign_of_the_product_and_leaves_the_axes_free():
    x, y = draw("xor")
    np.testing.assert_array_equal(y, np.sign(x[:, 0] * x[:, 1]))
    assert np.abs(x).min() >= 0.3
    assert np.abs(x).max() <= 5.3


def test_gauss_clouds_have_their_means_and_widths():
    x, y = draw("gauss", 4000)
    np.testing.assert_allclose(x[y > 0].mean(axis=0), (2, 2), atol=0.08)
    np.testing.assert_allclose(x[y < 0].mean(axis=0), (-2, -2), atol=0.08)
    assert x[y > 0].var() == pytest.approx(0.5, rel=0.1)
    wide, labels = draw("gauss", 4000, noise=0.5)
    assert wide[labels > 0].var() == pytest.approx(4.0, rel=0.1)


def test_spiral_arms_are_each_others_mirror_image():
    x, y = draw("spiral")
    assert np.hypot(*x.T).max() <= 5
    positive = {tuple(p) for p in np.round(x[y > 0], 3) + 0.0}
    mirrored = {tuple(p) for p in np.round(-x[y < 0], 3) + 0.0}
    assert len(positive & mirrored) > 0.95 * len(positive)


def test_plane_is_linear_without_noise():
    x, y = draw("plane")
    np.testing.assert_allclose(y, np.clip(x.sum(axis=1) / 10, -1, 1), atol=1e-6)


def test_hills_peak_at_their_centres():
    x, y = draw("hills", 4000)
    for cx, cy, sign in datasets.HILLS:
        distance = np.hypot(x[:, 0] - cx, x[:, 1] - cy)
        nearest = distance.argmin()
        assert y[nearest] * sign == pytest.approx(1 - distance[nearest] / 2, abs=1e-5)
    far = np.min([np.hypot(x[:, 0] - cx, x[:, 1] - cy) for cx, cy, _ in datasets.HILLS], axis=0) > 2
    assert (y[far] == 0).all()


def test_noise_flips_labels_near_the_border():
    x, y = draw("xor", noise=0.2)
    wrong = y != np.sign(x[:, 0] * x[:, 1])
    assert 0.02 < wrong.mean() < 0.4
    assert np.abs(x[wrong]).min(axis=1).max() <= 1.0 + 1e-6  # noise 0.2 moves by at most 1


@given(st.integers(1, 400), st.floats(0.1, 0.9))
def test_split_keeps_its_share(n, share):
    mask = datasets.split_points(n, share)
    assert mask[0]
    assert abs(mask.sum() - share * n) <= 4


@given(st.integers(1, 200), st.floats(0.1, 0.9))
def test_a_new_point_moves_no_other(n, share):
    np.testing.assert_array_equal(
        datasets.split_points(n, share), datasets.split_points(n + 1, share)[:n]
    )


def test_half_of_500_is_250():
    assert datasets.split_points(500, 0.5).sum() == 250
