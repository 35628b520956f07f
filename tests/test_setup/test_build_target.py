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
    'script, expected',
    [
        ('echo Cuda compilation tools, release 12.8, V12.8.93', '12.8'),
        ('echo nothing of use', None),
        ('exit 3', None),
    ],
)
def test_read_nvcc_version(tmp_path, script, expected):
    nvcc = tmp_path / 'bin' / 'nvcc'
    nvcc.parent.mkdir()
    nvcc.write_text(f'#!/bin/sh\n{script}\n')
    nvcc.chmod(0o755)
    assert build_target.read_nvcc_version(str(tmp_path)) == expected


def test_no_toolkit_no_version(tmp_path):
    assert build_target.read_nvcc_version(None) is None
    assert build_target.read_nvcc_version(str(tmp_path)) is None


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


def test_settings_keep_a_cpu_build_from_seeing_gpus(monkeypatch):
    monkeypatch.setenv('MAX_JOBS', '3')
    assert build_target.build_settings('cpu', '9.0') == {
        'MAX_JOBS': '3',
        'FORCE_CUDA': '0',
        'CUDA_VISIBLE_DEVICES': '',
    }
    settings = build_target.build_settings('cu12.8-9.0', '9.0')
    assert settings['FORCE_CUDA'] == '1'
    assert settings['TORCH_CUDA_ARCH_LIST'] == '9.0'
    assert 'CUDA_VISIBLE_DEVICES' not in settings


def test_jobs_are_bounded_by_memory(monkeypatch):
    monkeypatch.delenv('MAX_JOBS', raising=False)
    os = build_target.os
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: set(range(64)))
    monkeypatch.setattr(
        os,
        'sysconf',
        lambda name: 4096 if name == 'SC_PAGE_SIZE' else 13 * 2**30 // 4096,
    )
    assert build_target.build_settings('cpu', '')['MAX_JOBS'] == '4'
