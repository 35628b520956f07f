# Copyright (c) aemim_mm contributors. All rights reserved.
import check_ops
import pytest

pytest.importorskip('mmcv._ext', reason='needs make install-det')


@pytest.mark.det
def test_nms_on_cpu():
    assert check_ops.run_nms('cpu') == [1, 2]


@pytest.mark.det
@pytest.mark.parametrize(
    'compiled, gpu, devices',
    [
        ('not available', False, ['cpu']),
        ('not available', True, ['cpu']),
        ('12.8', False, ['cpu']),
        ('12.8', True, ['cpu', 'cuda']),
    ],
)
def test_devices(monkeypatch, capsys, compiled, gpu, devices):
    monkeypatch.setattr('torch.cuda.is_available', lambda: gpu)
    monkeypatch.setattr(
        'mmcv.ops.get_compiling_cuda_version', lambda: compiled
    )
    assert check_ops.find_devices() == devices
    warned = 'built for the CPU alone' in capsys.readouterr().out
    assert warned == (gpu and compiled == 'not available')
