# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import mmcv
import pytest
from fashion_mnist_files import write_fashion_mnist
from tiny_run import load_tool


@pytest.fixture(scope='module')
def demo():
    return load_tool('demo')


def test_a_folder_of_somebody_else_is_left_alone(demo, tmp_path):
    weights = tmp_path / 'pretrain/iter_20000.pth'
    weights.parent.mkdir()
    weights.write_text('mine')
    arguments = ['--quick', '--work-dir', str(tmp_path)]
    with pytest.raises(FileExistsError, match='holds pretrain, which the de'):
        demo.main(arguments)
    assert weights.read_text() == 'mine'


def test_nothing_is_deleted_where_the_data_cannot_be_had(demo, tmp_path):
    for name in ('pretrain/a', '.demo', 'data'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('')
    arguments = ['--work-dir', str(tmp_path), '--data-root']
    with pytest.raises(OSError):
        demo.main([*arguments, str(tmp_path / 'data/x')])
    assert (tmp_path / 'pretrain/a').exists()


# A whole run, from data to report.
@pytest.fixture(scope='module')
def quick(demo, tmp_path_factory):
    """The folder of a quick run, and what it said had failed."""
    folder = tmp_path_factory.mktemp('demo')
    write_fashion_mnist(folder / 'data')
    out = folder / 'out'
    (out / 'pretrain').mkdir(parents=True)
    for name in ('pretrain/epoch_9.pth', 'summary.json', 'mine.txt'):
        (out / name).write_text('of an earlier run')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, 'prepare_fashion_mnist', lambda root: root)
        code = demo.main(
            [
                '--quick',
                '--work-dir',
                str(out),
                '--data-root',
                str(folder / 'data'),
            ]
        )
    return out, code


@pytest.mark.slow
def test_summary(quick):
    out, code = quick
    summary = json.loads((out / 'summary.json').read_text())
    assert {k: set(v) for k, v in summary.items() if k != 'figures'} == {
        'pretrain': {'recon_clean', 'recon_adv', 'images_per_second'},
        'finetune': {'top1', 'fgsm_top1'},
    }
    assert list(summary) == ['pretrain', 'finetune', 'figures']
    for key in ('recon_clean', 'recon_adv'):
        losses = summary['pretrain'][key]
        assert len(losses) == 3  # epochs
        assert losses[-1] < losses[0]
    assert summary['pretrain']['images_per_second'] > 0
    fgsm = summary['finetune']['fgsm_top1']
    assert set(fgsm) == {'2', '8'}
    for top1 in (summary['finetune']['top1'], *fgsm.values()):
        # counts out of 64 images, in percent
        assert 0 <= top1 <= 100 and (top1 * 0.64) % 1 == pytest.approx(0)
    for figure in summary['figures']:
        assert mmcv.imread(out / figure).std() > 10
    assert code == 0


@pytest.mark.slow
def test_report(quick):
    page = (quick[0] / 'report.html').read_text()
    assert page.count('data:image/png;base64,') == 2
    assert 'A quick run on a few images' in page
    for title in ('Results', 'Settings', 'Wall time'):
        assert f'<h2>{title}</h2>' in page


@pytest.mark.slow
def test_starts_clean_but_leaves_other_files_alone(quick):
    assert not (quick[0] / 'pretrain' / 'epoch_9.pth').exists()
    assert (quick[0] / 'mine.txt').read_text() == 'of an earlier run'
    assert (quick[0] / '.demo').is_file()


@pytest.mark.slow
def test_encoder_is_fine_tuned_from_the_pre_trained_one(quick):
    (config,) = (quick[0] / 'finetune').glob('*/vis_data/config.py')
    checkpoint = str(quick[0] / 'pretrain' / 'epoch_3.pth')
    assert f"checkpoint='{checkpoint}'" in ''.join(
        config.read_text().split('\n')
    ).replace(' ', '')
