# Copyright (c) aemim_mm contributors. All rights reserved.
import numpy as np
import pytest
import torch

from aemim_mm.attacks import image_noise

SHAPE = (3, 16, 16)


def test_uniform_in_the_ball():
    noise = image_noise(0, range(50), SHAPE)
    assert noise.shape == (50, *SHAPE) and noise.dtype == torch.float32
    assert -1 <= noise.min() < -0.999 and 0.999 < noise.max() <= 1
    assert abs(noise.mean()) < 0.01
    assert abs(noise.var() - 1 / 3) < 0.005
    # Images are not alike: correlations vanish.
    rows = torch.corrcoef(noise.flatten(1)) - torch.eye(50)
    assert rows.abs().max() < 0.2


def test_depends_on_the_image_alone():
    together = image_noise(5, [3, 0, 9], SHAPE)
    for row, index in enumerate([3, 0, 9]):
        alone = image_noise(5, torch.tensor([index]), SHAPE)
        assert torch.equal(together[row], alone[0])


def test_streams_differ():
    pairs = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
    noises = [image_noise(seed, [i], (1, 2, 2)) for seed, i in pairs]
    assert len({tuple(n.flatten().tolist()) for n in noises}) == len(pairs)


def test_a_known_stream():
    # So that numbers stay comparable between versions of this package.
    expected = np.random.Generator(
        np.random.PCG64(np.random.SeedSequence([4, 7]))
    ).random(4, dtype=np.float32)
    noise = image_noise(4, [7], (1, 2, 2)).flatten().numpy()
    assert (noise == 2 * expected - 1).all()


def test_global_generators_stand_still():
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1]
    image_noise(0, [1], SHAPE)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()


def test_negative_numbers():
    with pytest.raises(ValueError, match='must be >= 0, but got -1'):
        image_noise(-1, [0], SHAPE)
    with pytest.raises(ValueError, match=r'\[-2\]'):
        image_noise(0, [-2], SHAPE)
