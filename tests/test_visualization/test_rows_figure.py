# Copyright (c) aemim_mm contributors. All rights reserved.
import numpy as np
import pytest
import torch
from mmengine.visualization.utils import img_from_canvas

from aemim_mm.visualization import ImageRows, draw_rows
from aemim_mm.visualization.rows_figure import to_uint8

COLOURS = {'first': (255.0, 0.0, 0.0), 'second': (0.0, 0.0, 255.0)}


def _rows(count=3, size=8):
    colours = {k: torch.tensor(v) for k, v in COLOURS.items()}
    return ImageRows(
        {
            k: v.view(1, 3, 1, 1).expand(count, 3, size, size)
            for k, v in colours.items()
        },
        {'first': 'Row one', 'second': 'Row two'},
    )


def test_every_image_is_drawn_in_its_row():
    image = img_from_canvas(draw_rows(_rows()).canvas)
    assert image.dtype == np.uint8 and image.shape[2] == 3
    for (name, colour), half in zip(
        COLOURS.items(), np.array_split(image, 2), strict=True
    ):
        share = (half == np.array(colour)).all(-1).mean()
        assert share > 0.4, name  # labels and gaps take the rest
    middle = image[len(image) // 4]
    red = (middle == (255, 0, 0)).all(-1).astype(int)
    assert (np.diff(red) == 1).sum() == 3  # three separate columns


def test_labels_and_title():
    figure = draw_rows(_rows(), title='Epoch 3')
    labels = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert labels == ['Row one', 'Row two']
    assert [text.get_text() for text in figure.texts] == ['Epoch 3']
    assert draw_rows(_rows()).texts == []


def test_labels_stay_inside_the_page():
    rows = _rows(count=1)
    rows.labels['first'] = 'Reconstruction from\nmasked adversarial image'
    figure = draw_rows(rows)
    figure.canvas.draw()
    for axis in figure.axes:
        for text in axis.texts:
            assert text.get_window_extent().x0 > 0


def test_large_images_keep_their_resolution():
    figure = draw_rows(_rows(count=2, size=224))
    box = figure.axes[0].get_window_extent()
    assert box.width >= 200


def test_figures_can_be_saved(tmp_path):
    draw_rows(_rows()).savefig(tmp_path / 'rows.png')
    assert (tmp_path / 'rows.png').read_bytes().startswith(b'\x89PNG')


@pytest.mark.parametrize('channels', [1, 3])
def test_to_uint8_rounds_and_clips(channels):
    image = torch.tensor([-5.0, 0.4, 0.6, 300.0]).view(1, 2, 2)
    out = to_uint8(image.expand(channels, 2, 2))
    assert out.shape == ((2, 2) if channels == 1 else (2, 2, 3))
    assert out.reshape(4, -1)[:, 0].tolist() == [0, 0, 1, 255]
