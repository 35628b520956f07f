# Copyright (c) aemim_mm contributors. All rights reserved.
"""What is finished is skipped by what it was made from."""

import json
import sys
import threading

import pytest

from aemim_mm.reproduction.executor import Executor, StepError
from aemim_mm.reproduction.plan import Plan
from aemim_mm.reproduction.steps import Step

# Copies its input, or writes a word, and notes every call.
CODE = """
import sys
out, calls, word, source = sys.argv[1:5]
open(calls, 'a').write(' '.join([word, *sys.argv[5:]]) + '\\n')
open(out, 'w').write(open(source).read() if source else word)
"""
# Waits for a file, at most 10 s.
WAIT = """
import os, time
for _ in range(1000):
    if os.path.exists({!r}):
        break
    time.sleep(0.01)
"""


class Chain:
    """Two steps: one writes a word, the other copies it."""

    def __init__(self, folder):
        self.folder = folder
        self.calls = folder / 'calls'

    def steps(self, word='a', code=CODE, chain='run/seed0'):
        folder = self.folder / chain
        folder.mkdir(parents=True, exist_ok=True)
        first, last = folder / 'first.out', folder / 'last.out'
        run = ('python', '-c', code)
        return (
            Step(
                chain=chain,
                name='first',
                kind='first config',
                folder=folder,
                command=(*run, str(first), str(self.calls), word, '')
                + ('--resume',),
                output=first,
            ),
            Step(
                chain=chain,
                name='last',
                kind='last config',
                folder=folder,
                command=(*run, str(last), str(self.calls), 'copy', str(first)),
                output=last,
                inputs=(first,),
            ),
        )

    def run(self, *args, redo=False, **kwargs):
        """Run the chain; returns what was called."""
        self.calls.write_text('')
        plan = Plan((), (self.steps(*args, **kwargs),), ())
        Executor(plan, redo=redo).run()
        return self.calls.read_text().splitlines()


@pytest.fixture
def chain(tmp_path):
    return Chain(tmp_path)


def test_finished_steps_are_skipped(chain, capsys):
    assert chain.run() == ['a --resume', 'copy']
    assert chain.run() == []
    assert '[2/2' in capsys.readouterr().out


def test_another_training_run_is_not_deleted_unasked(chain):
    chain.run()
    with pytest.raises(StepError, match=r'another command\..*--out.*--redo'):
        chain.run('b')
    assert chain.calls.read_text() == ''
    assert chain.run() == []
    # What a step trains lies in the folder of its name.
    work_dir = chain.steps()[0].folder / 'first'
    work_dir.mkdir()
    assert chain.run('b', redo=True) == ['b --resume', 'copy']
    assert not work_dir.exists()
    assert chain.run('b', redo=True) == []


def test_an_equal_result_is_no_reason_to_go_on(chain):
    chain.run()
    first, last = chain.steps()
    assert first.output.read_text() == last.output.read_text() == 'a'
    first.record.unlink()
    # Made again, it is the same: what was made from it stays.
    assert chain.run() == ['a --resume']


def test_a_changed_input_counts_and_a_touched_one_does_not(chain):
    chain.run()
    first, _ = chain.steps()
    first.output.touch()
    assert chain.run() == []
    first.output.write_text('other weights')
    assert chain.run() == ['copy']


def test_a_lost_result_is_made_again(chain):
    chain.run()
    chain.steps()[1].output.unlink()
    assert chain.run() == ['copy']


def test_a_beginning_is_resumed(chain):
    first, _ = chain.steps()
    first.write_state(first.made_from(), None)
    assert chain.run() == ['a --resume', 'copy']


def test_a_beginning_of_something_else_is_not_deleted_either(chain):
    other, _ = chain.steps('other')
    other.write_state(other.made_from(), None)
    with pytest.raises(StepError, match='--redo'):
        chain.run()
    assert chain.run(redo=True) == ['a --resume', 'copy']


def test_a_kill_while_a_run_is_deleted_leaves_it_to_be_deleted(
    chain, monkeypatch
):
    chain.run()
    monkeypatch.setattr(
        'aemim_mm.reproduction.executor.shutil.rmtree', interrupt
    )
    with pytest.raises(KeyboardInterrupt):
        chain.run('b', redo=True)
    with pytest.raises(StepError, match='--redo'):
        chain.run('b')


def test_what_was_made_from_a_deleted_run_does_not_count(chain):
    first, last = chain.steps()
    chain.run()
    # Also what another plan has made.
    other = Step(
        *('run/seed0', 'other', 'kind', first.folder, ('x',), last.output),
        inputs=(first.output,),
    )
    other.write_state(other.made_from(), 1.0)
    apart = Step(
        'run/seed0', 'apart', 'kind', first.folder, ('x',), last.output
    )
    apart.write_state(apart.made_from(), 1.0)
    # A file of that name, but of another step.
    named = dict(made_from={first.output.name: 'other'}, seconds=1.0)
    (first.folder / 'named.json').write_text(json.dumps(named))
    (first.folder / 'broken.json').write_text('{')
    executor = Executor(Plan((), (chain.steps('b')[:1],), ()), redo=True)
    executor.run()
    states = [s.state()['seconds'] is None for s in (last, other, apart)]
    assert states == [True, True, False]
    assert json.loads((first.folder / 'named.json').read_text()) == named


def test_an_error_in_what_follows_a_step_stops_the_plan(chain, capsys):
    def keep(step):
        raise ValueError(f'no space for {step.chain}')

    chains = tuple(chain.steps(chain=f'run{i}/seed0') for i in range(4))
    with pytest.raises(ValueError, match='no space for run0/seed0'):
        Executor(Plan((), chains, ()), on_finish=keep).run()
    assert len(chain.calls.read_text().splitlines()) == 1
    assert 'run0/seed0 first: failed' in capsys.readouterr().out


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_a_changed_config_counts(tmp_path, monkeypatch):
    monkeypatch.setattr('aemim_mm.reproduction.steps.HOME', tmp_path)
    config = tmp_path / 'c.py'
    base = tmp_path / 'base.py'
    base.write_text('lr = 1.0\n')
    config.write_text("_base_ = './base.py'\n")
    step = Step(
        *('run', 'train', 'kind', tmp_path, ('x',), tmp_path / 'out'),
        configs=('c.py',),
    )
    before = step.made_from()
    config.write_text("# a comment\n_base_ = './base.py'\n")
    assert step.made_from() == before
    base.write_text('lr = 2.0\n')
    assert step.made_from() != before


@pytest.mark.parametrize(
    'code, says',
    [
        ("raise SystemExit('no such data')", 'exit code 1'),
        ('pass', 'did not write'),
    ],
)
def test_a_failure_names_command_and_log(chain, code, says):
    with pytest.raises(StepError) as caught:
        chain.run(code=code)
    message = str(caught.value)
    assert says in message
    assert 'run/seed0 first' in message
    assert str(chain.folder / 'run/seed0/first.log') in message
    if code != 'pass':
        assert 'no such data' in message
    # The state says that it is not finished.
    state = json.loads(chain.steps()[0].record.read_text())
    assert state['seconds'] is None


def test_a_step_that_failed_goes_on(chain):
    flag = chain.folder / 'flag'
    code = f'import os\nif not os.path.exists({str(flag)!r}): raise OSError\n'
    with pytest.raises(StepError, match='exit code 1'):
        chain.run(code=code + CODE)
    flag.touch()
    assert chain.run(code=code + CODE) == ['a --resume', 'copy']


def test_a_failure_stops_what_runs_beside_it(chain, capsys):
    flag = chain.folder / 'flag'
    # It fails once another step has begun, which waits for that.
    fail = f"{WAIT.format(str(chain.calls))}raise SystemExit('no')"
    bad = chain.steps(code=fail, chain='bad/seed0')
    slow = chain.steps(code=CODE + WAIT.format(str(flag)))
    good = [chain.steps(chain=f'run{i}/seed0') for i in range(6)]
    executor = Executor(Plan((), (bad, slow, *good), ()), jobs=2)

    def tell():
        executor._failed.wait()
        flag.touch()

    threading.Thread(target=tell, daemon=True).start()
    with pytest.raises(StepError, match='bad/seed0 first'):
        executor.run()
    assert 'bad/seed0 first: failed' in capsys.readouterr().out
    # What was under way is finished; no further step has begun.
    assert chain.calls.read_text().splitlines() == ['a --resume']
    assert slow[0].is_finished(slow[0].made_from())


def test_a_step_that_was_being_looked_at_does_not_begin(chain, monkeypatch):
    bad = chain.steps(code="raise SystemExit('no')", chain='bad/seed0')
    good = chain.steps(chain='good/seed0')
    executor = Executor(Plan((), (bad, good), ()), jobs=2)
    look = Step.made_from

    def slow(step):
        if step.chain == 'good/seed0':  # hashes a large file
            assert executor._failed.wait(60)
        return look(step)

    monkeypatch.setattr(Step, 'made_from', slow)
    with pytest.raises(StepError, match='bad/seed0 first'):
        executor.run()
    assert not chain.calls.exists()


def test_a_program_that_is_not_there(chain):
    step = Step(
        *('run', 'train', 'kind', chain.folder, ('no-such-program',)),
        chain.folder / 'out',
    )
    with pytest.raises(StepError, match='no-such-program cannot be run'):
        Executor(Plan((), ((step,),), ())).run()


def test_chains_run_beside_each_other_and_cost_alone(chain):
    data = chain.steps(chain='data')
    chains = tuple(chain.steps(chain=f'run{i}/seed0') for i in range(4))
    cost = chain.steps(chain='cost')
    Executor(Plan(data, chains, cost), jobs=3).run()
    for steps in (data, *chains, cost):
        assert all(step.is_finished(step.made_from()) for step in steps)
    order = [step.record.stat().st_mtime_ns for step in (data[1], cost[0])]
    middle = [steps[1].record.stat().st_mtime_ns for steps in chains]
    assert order[0] < min(middle) <= max(middle) < order[1]


def test_time_that_is_left(chain):
    steps = chain.steps()
    others = chain.steps(chain='other/seed0')
    for step, seconds in zip(steps, (60.0, 30.0), strict=True):
        step.write_state(step.made_from(), seconds)
    executor = Executor(Plan((), (steps, others), ()))
    assert executor._eta() == '0:03:00'
    executor.left = {('other/seed0', 'last'): others[1]}
    assert executor._eta() == '0:00:30'
    empty = Executor(Plan((), (chain.steps(chain='new/seed0'),), ()))
    assert empty._eta() == 'unknown'


def test_python_is_this_one(chain):
    code = "import sys; open(sys.argv[1], 'w').write(sys.executable)"
    chain.run(code=code)
    assert chain.steps()[0].output.read_text() == sys.executable
