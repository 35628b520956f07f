# Copyright (c) aemim_mm contributors. All rights reserved.
"""A small data set in the files of Fashion-MNIST."""

import numpy as np


def idx(array):
    """An idx file of unsigned bytes."""
    sizes = b''.join(size.to_bytes(4, 'big') for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def write_fashion_mnist(root, train=128, test=64):
    """Stripes whose width is the class; labels 0 to 9 in turn."""
    root.mkdir()
    rows, columns = np.mgrid[:28, :28]
    for name, count in (('train', train), ('t10k', test)):
        labels = np.arange(count) % 10
        images = [
            127 + 127 * np.sin((rows * (label + 1) + columns * i) / 9)
            for i, label in enumerate(labels)
        ]
        for kind, values in (
            ('images-idx3', np.stack(images)),
            ('labels-idx1', labels),
        ):
            content = idx(values.astype(np.uint8))
            (root / f'{name}-{kind}-ubyte').write_bytes(content)
