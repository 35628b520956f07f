# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch

from aemim_mm.attacks import full_precision


def settings():
    """All that decides on TF32, older and newer switches."""
    cuda, cudnn = torch.backends.cuda, torch.backends.cudnn
    values = [torch.get_float32_matmul_precision(), cudnn.allow_tf32]
    if hasattr(cuda.matmul, 'fp32_precision'):
        values += [
            cuda.matmul.fp32_precision,
            cudnn.conv.fp32_precision,
            cudnn.rnn.fp32_precision,
        ]
    return values


@pytest.mark.parametrize('precision', ['highest', 'high', 'medium'])
@pytest.mark.parametrize('convolutions', [True, False])
def test_tf32_is_off_inside_and_as_before_outside(precision, convolutions):
    cudnn = torch.backends.cudnn
    saved = torch.get_float32_matmul_precision(), cudnn.allow_tf32
    try:
        torch.set_float32_matmul_precision(precision)
        cudnn.allow_tf32 = convolutions
        before = settings()
        with full_precision():
            inside = settings()
            assert not torch.backends.cuda.matmul.allow_tf32
        assert inside[:2] == ['highest', False]
        assert set(inside[2:]) <= {'ieee'}
        assert settings() == before
        with pytest.raises(KeyError), full_precision():
            raise KeyError
        assert settings() == before
    finally:
        torch.set_float32_matmul_precision(saved[0])
        cudnn.allow_tf32 = saved[1]


def test_autocast_is_off():
    x = torch.randn(2, 2)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        with full_precision():
            assert (x @ x).dtype == torch.float32
        assert (x @ x).dtype == torch.bfloat16


def test_recording_of_gradients_is_left_alone():
    for mode in (torch.no_grad, torch.enable_grad, torch.inference_mode):
        with mode():
            expected = torch.is_grad_enabled()
            with full_precision():
                assert not torch.is_inference_mode_enabled()
                assert torch.is_grad_enabled() == expected
