# Copyright (c) aemim_mm contributors. All rights reserved.
import build_target
import pytest


@pytest.mark.parametrize(
    'torch_cuda, nvcc, target, reason',
    [
        (None, '12.8', 'cpu', 'without CUDA'),
        ('12.8', None, 'cpu', 'no nvcc'),
        ('12.8', '13.0', 'cpu', 'nvcc is of CUDA 13.0, torch of CUDA 12.8'),
        ('12.8', '12.4', 'cu12.8-8.0-9.0+PTX', 'nvcc is of CUDA 12.4'),
    ],
)
def test_choose_target(torch_cuda, nvcc, target, reason):
    found = build_target.choose_target(torch_cuda, nvcc, '8.0;9.0+PTX')
    assert found[0] == target
    assert reason in found[1]


@pytest.mark.parametrize(
    'mode, script, expected',
    [
        (0o755, 'echo Cuda compilation tools, release 12.8, V1', '12.8'),
        (0o755, 'echo nothing of use', None),
        (0o755, 'exit 3', None),
        (0o644, 'not executable', None),
    ],
)
def test_read_nvcc_version(tmp_path, mode, script, expected):
    nvcc = tmp_path / 'bin' / 'nvcc'
    nvcc.parent.mkdir()
    nvcc.write_text(f'#!/bin/sh\n{script}\n')
    nvcc.chmod(mode)
    assert build_target.read_nvcc_version(str(tmp_path)) == expected
    assert build_target.read_nvcc_version(str(tmp_path / 'none')) is None
    assert build_target.read_nvcc_version(None) is None


@pytest.mark.parametrize(
    'given, capabilities, expected',
    [
        ('8.6', [(9, 0)], '8.6'),
        ('', [(9, 0), (8, 0), (9, 0)], '8.0;9.0+PTX'),
        ('', [], build_target.GENERIC_ARCHS),
    ],
)
def test_read_archs(monkeypatch, given, capabilities, expected):
    cuda = 'torch.cuda'
    monkeypatch.setenv('TORCH_CUDA_ARCH_LIST', given)
    monkeypatch.setattr(f'{cuda}.device_count', lambda: len(capabilities))
    monkeypatch.setattr(
        f'{cuda}.get_device_capability', lambda index: capabilities[index]
    )
    assert build_target.read_archs() == expected


@pytest.mark.parametrize(
    'target, given, expected',
    [
        # a CPU build must not see GPUs
        ('cpu', '3', ['3', '0', None, '']),
        ('cu12.8-9.0', '3', ['3', '1', '9.0', None]),
        # 13 GiB of memory let four compilers run
        ('cpu', None, ['4', '0', None, '']),
    ],
)
def test_build_settings(monkeypatch, target, given, expected):
    monkeypatch.delenv('MAX_JOBS', raising=False)
    if given:
        monkeypatch.setenv('MAX_JOBS', given)
    os = build_target.os
    pages = {'SC_PAGE_SIZE': 4096, 'SC_PHYS_PAGES': 13 * 2**30 // 4096}
    monkeypatch.setattr(os, 'sysconf', pages.get)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: set(range(64)))
    settings = build_target.build_settings(target, '9.0')
    names = ['MAX_JOBS', 'FORCE_CUDA', 'TORCH_CUDA_ARCH_LIST']
    names.append('CUDA_VISIBLE_DEVICES')
    assert [settings.get(name) for name in names] == expected
