# Copyright (c) aemim_mm contributors. All rights reserved.
import subprocess
import sys

import environment
import pytest
import stamps


@pytest.fixture
def phase(monkeypatch, tmp_path):
    """A phase 'dev' that installs into a fake environment (a dict)."""
    (tmp_path / 'requirements').mkdir()
    (tmp_path / 'aemim_mm').mkdir()
    (tmp_path / 'requirements' / 'dev.txt').write_text('tool==1.0\n')
    (tmp_path / 'setup.py').touch()
    (tmp_path / 'aemim_mm' / 'version.py').touch()
    state = {'installed': {}, 'pip': {'tool': '1.0'}, 'runs': 0}

    def find_missing(python, pins, ops):
        have = state['installed']
        return [name for name in pins if have.get(name) != pins[name]]

    def install():
        state['runs'] += 1
        state['installed'].update(state['pip'])

    monkeypatch.setattr(environment, 'ROOT', tmp_path)
    monkeypatch.setattr(environment, 'VENV', tmp_path)
    monkeypatch.setitem(environment.INSTALLERS, 'dev', install)
    monkeypatch.setattr(environment, 'find_missing', find_missing)
    monkeypatch.setattr(stamps, 'find_missing', find_missing)
    return state


def test_second_time_installs_nothing(phase):
    assert environment.install('dev', '3.11')
    assert not environment.install('dev', '3.11')
    assert phase['runs'] == 1


def test_changed_requirements_install_again(phase):
    environment.install('dev', '3.11')
    path = environment.ROOT / 'requirements' / 'dev.txt'
    path.write_text('tool==2.0\n')
    phase['pip'] = {'tool': '2.0'}
    assert environment.install('dev', '3.11')
    assert environment.install('dev', '3.12')


def test_lost_package_is_installed_again(phase):
    environment.install('dev', '3.11')
    phase['installed'].clear()
    assert environment.install('dev', '3.11')
    assert phase['installed'] == {'tool': '1.0'}


def test_failure_leaves_no_stamp(phase):
    environment.install('dev', '3.11')
    phase['installed'].clear()
    phase['pip'] = {}
    with pytest.raises(RuntimeError, match='dev: not there: tool'):
        environment.install('dev', '3.11')
    assert not environment.stamp_path('dev').exists()


@pytest.fixture
def nothing_built(monkeypatch, tmp_path):
    monkeypatch.setenv('CXX', 'no-such-compiler')
    monkeypatch.setattr(environment, 'VENV', tmp_path)
    monkeypatch.setattr(environment, 'is_cached', lambda mmcv, torch: False)
    return monkeypatch


def test_compiler_is_asked_for_before_installing(nothing_built, capsys):
    nothing_built.setattr(sys, 'argv', ['environment', 'core', 'det'])
    nothing_built.setattr(environment, 'make_venv', pytest.fail)
    assert environment.main() == 1
    assert 'No C++ compiler (no-such-compiler)' in capsys.readouterr().err


def test_compiler_is_not_needed_with_a_cached_wheel(nothing_built):
    asked = []
    nothing_built.setattr(
        environment, 'is_cached', lambda *pins: asked.append(pins) or True
    )
    environment.check_build_tools()
    assert asked == [('2.3.6', '2.9.1')]


def test_failed_command_is_one_line(monkeypatch, capsys):
    def fail():
        raise subprocess.CalledProcessError(1, ['pip', 'install', 'x'])

    monkeypatch.setattr(sys, 'argv', ['environment', 'dev'])
    monkeypatch.setattr(environment, 'make_venv', fail)
    assert environment.main() == 1
    error = capsys.readouterr().err
    assert error == '[setup] failed, see above: pip install x\n'


def test_every_phase_is_pinned():
    for names, _ in environment.PHASES.values():
        assert stamps.read_pins(environment.requirement_files(names))
