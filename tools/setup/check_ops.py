# Copyright (c) aemim_mm contributors. All rights reserved.
"""Run one of mmcv's compiled ops on each device that it was compiled for."""

import sys

import torch


def run_nms(device: str) -> list[int]:
    """Suppress one of three boxes on ``device``.

    Returns:
        list[int]: Indices of the boxes that are kept, best first. The first
        two boxes overlap by 81/119 = 0.68, above the threshold of 0.5, and
        the second has the higher score: ``[1, 2]`` is right.
    """
    from mmcv.ops import nms

    boxes = [[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30]]
    scores = torch.tensor([0.6, 0.9, 0.3], device=device)
    boxes = torch.tensor(boxes, dtype=torch.float, device=device)
    return nms(boxes, scores, iou_threshold=0.5)[1].tolist()


def find_devices() -> list[str]:
    """``'cpu'``, and ``'cuda'`` where the ops and the machine have it."""
    from mmcv.ops import get_compiling_cuda_version

    if not torch.cuda.is_available():
        return ['cpu']
    if get_compiling_cuda_version() != 'not available':
        return ['cpu', 'cuda']
    print(
        "[setup] there is a GPU, but mmcv's ops are built for the CPU alone: "
        'mmdet will train on the CPU only (see docs/install.md)'
    )
    return ['cpu']


if __name__ == '__main__':
    for name in find_devices():
        kept = run_nms(name)
        if kept != [1, 2]:
            sys.exit(f'[setup] mmcv.ops.nms on {name}: wrong, kept {kept}')
        print(f'[setup] mmcv.ops.nms on {name}: ok')
