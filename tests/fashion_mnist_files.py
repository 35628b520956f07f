# Copyright (c) aemim_mm contributors. All rights reserved.
"""A small data set in the files of Fashion-MNIST."""

import struct

import numpy as np


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
        (root / f'{name}-images-idx3-ubyte').write_bytes(
            struct.pack('>4i', 2051, count, 28, 28)
            + np.stack(images).astype(np.uint8).tobytes()
        )
        (root / f'{name}-labels-idx1-ubyte').write_bytes(
            struct.pack('>2i', 2049, count) + labels.astype(np.uint8).tobytes()
        )
