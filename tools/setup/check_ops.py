# Copyright (c) aemim_mm contributors. All rights reserved.
"""Run one of mmcv's compiled ops on each available device."""

import sys

import torch


def run_nms(device: str) -> list[int]:
    """Suppress one of three boxes.

    Args:
        device (str): Where to run, ``'cpu'`` or ``'cuda'``.

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
    """The devices that the ops were compiled for and that are here.

    Returns:
        list[str]: ``'cpu'``, and ``'cuda'`` where both hold.
    """
    from mmcv.ops import get_compiling_cuda_version

    compiled = get_compiling_cuda_version() != 'not available'
    if not torch.cuda.is_available():
        return ['cpu']
    if not compiled:
        print(
            "[setup] there is a GPU, but mmcv's ops are built for the CPU "
            'alone: mmdet will train on the CPU only (see docs/install.md)'
        )
        return ['cpu']
    return ['cpu', 'cuda']


def main() -> int:
    """Check every device.

    Returns:
        int: 0 if all give the right answer, else 1.
    """
    failed = 0
    for device in find_devices():
        kept = run_nms(device)
        good = kept == [1, 2]
        failed += not good
        print(
            f'[setup] mmcv.ops.nms on {device}: '
            + ('ok' if good else f'wrong, kept {kept} instead of [1, 2]')
        )
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
