# Copyright (c) aemim_mm contributors. All rights reserved.
"""The whole suite on miniature data, against independent computations."""

import shutil
import signal
import socket
import sys
from importlib import resources
from types import SimpleNamespace

import mmcv
import numpy as np
import pytest
import robustness_toys as toys
import timm
import tiny_run
import torch
from attack_toys import foolbox, foolbox_model
from auto_attack_toys import pyautoattack, shortened
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from aemim_mm.robustness import attacked_images, load_config_classifier
from aemim_mm.robustness.intervals import wilson

TOOL = tiny_run.ROOT / 'tools' / 'evaluate_robustness.py'
tool = tiny_run.load_tool('evaluate_robustness')
# Two batches of the 11 validation images.
LOADING = ['--num-workers', '0', '--batch-size', '6']
FGSM = ['0', '1', '2', '4', '8']
BOOKKEEPING = {'score', 'per_image', 'data', 'model', 'settings', 'versions'}
# Top-1 errors of AlexNet, as published with ImageNet-C.
ALEXNET = dict(
    gaussian_noise=0.886428,
    shot_noise=0.894468,
    impulse_noise=0.922640,
    defocus_blur=0.819880,
    glass_blur=0.826268,
    motion_blur=0.785948,
    zoom_blur=0.798360,
    snow=0.866816,
    frost=0.826572,
    fog=0.819324,
    brightness=0.564592,
    contrast=0.853204,
    elastic_transform=0.646056,
    pixelate=0.717840,
    jpeg_compression=0.606500,
)


@pytest.fixture(scope='module', autouse=True)
def _on_the_cpu():
    device, tool.get_device = tool.get_device, lambda: 'cpu'
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    tool.get_device = device


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """The data, a classifier, and its CONFIG and CHECKPOINT."""
    root = tmp_path_factory.mktemp('world')
    data = toys.write_data(root / 'data')
    # More like class 999, which is none of the 200, than like their own.
    for name, wnid in (('a', 'n12144580'), ('r', 'n01494475')):
        picture = 0.48 * toys.pixels(f'other {name}', 999)
        picture += 0.52 * toys.pixels(f'own {name}', toys.SYNSETS[wnid])
        path = data / f'imagenet-{name}' / wnid / 'z.jpg'
        toys.save(path, picture.astype(np.uint8))
    # Two more validation images, which are taken for class 999, too
    for number in (10, 11):
        name = f'n01440764/ILSVRC2012_val_{number:08d}.JPEG'
        toys.save(data / 'imagenet/val' / name, toys.pixels('wrong', 999))
    init_default_scope('mmpretrain')
    model = toys.build()
    files = toys.write_model(root / 'model', model)
    return SimpleNamespace(root=root, data=data, model=model, files=files)


@pytest.fixture(scope='module')
def complete(world):
    """The results of the complete suite."""
    out = world.root / 'complete'
    evaluate(world, out, '--all-classes')
    return out


def command(world, out, *options, files=None):
    """Arguments of the tool."""
    model = world.files if files is None else files
    data = ['--data-root', world.data, '--out', out]
    return [*map(str, [*model, *data, *LOADING, *options])]


def evaluate(world, out, *options, files=None):
    """Run the tool; its results."""
    assert tool.main(command(world, out, *options, files=files)) == 0
    return toys.read_json(out / 'results.json')


def per_image(out):
    with np.load(out / 'per_image.npz') as arrays:
        return {name: values.tolist() for name, values in arrays.items()}


def check(out, name, right):
    """What became of every image, and the accuracy."""
    expected = [int(value) for value in right]
    assert per_image(out)[name] == expected
    counted = [value for value in expected if value >= 0]
    assert toys.read_json(out / 'results.json')[name] == dict(
        top1=pytest.approx(100 * sum(v == 1 for v in counted) / len(counted)),
        images=len(counted),
    )
    return expected


def judged(world, images, labels):
    return toys.classify(world.model, images).argmax(1) == labels


def val_images(world):
    return toys.load(world.data / 'imagenet/val', toys.by_wnid)


def timm_list(name):
    path = resources.files('timm.data') / '_info' / name
    return [int(word) for word in path.read_text().split()]


def test_what_is_in_the_results(complete, world):
    results = toys.read_json(complete / 'results.json')
    clean = {'imagenet', 'real', 'v2', 'a', 'r', 'sketch'}
    parts = clean | {'a_all_classes', 'r_all_classes'}
    attacks = {'fgsm', 'pgd', 'curve'}
    assert set(results) == parts | attacks | {'c'} | BOOKKEEPING
    for part in parts:
        assert set(results[part]) == {'top1', 'images'}
    assert [results[part]['images'] for part in sorted(clean)] == [
        *(6, 11, 6, 10, 7, 6)
    ]
    for part in ('fgsm', 'pgd'):
        assert set(results[part]) == {*FGSM, 'average', 'images'}
        assert results[part]['images'] == 11
    assert set(results['c']) == {
        *('mce', 'mean_error', 'per_corruption', 'cells', 'images')
    }
    assert set(results['curve']) == {'grid', 'minimal_eps', 'images'}
    assert set(results['curve']['grid']) == {'eps', 'top1'}
    assert results['model']['name'] == 'tiny'
    assert results['model']['checkpoint'] == world.files[1]
    assert results['model']['mean'] == pytest.approx(toys.MEAN)
    assert results['settings']['suite'] == [
        *('imagenet', 'real', 'v2', 'a', 'r', 'sketch', 'c'),
        *('fgsm', 'pgd', 'curve'),
    ]


@pytest.mark.parametrize(
    'name, label_of',
    [
        ('imagenet', toys.by_wnid),
        # The folder is the class: as text, 10 comes before 2.
        ('v2', lambda path: int(path.parent.name)),
        ('sketch', toys.by_wnid),
    ],
)
def test_clean_accuracy(complete, world, name, label_of):
    folder = dict(
        imagenet='imagenet/val',
        v2='imagenetv2-matched-frequency-format-val',
        sketch='sketch',
    )[name]
    images, labels, _ = toys.load(world.data / folder, label_of)
    check(complete, name, judged(world, images, labels))


@pytest.mark.parametrize('name', ['a', 'r'])
def test_accuracy_among_200_classes(complete, world, name):
    images, labels, paths = toys.load(
        world.data / f'imagenet-{name}', toys.by_wnid
    )
    indices = torch.tensor(timm_list(f'imagenet_{name}_indices.txt'))
    assert len(indices) == 200
    logits = toys.classify(world.model, images)
    right = indices[logits[:, indices].argmax(1)] == labels
    among_200 = check(complete, name, right)
    among_all = check(
        complete, f'{name}_all_classes', logits.argmax(1) == labels
    )
    # Or the two would not be told apart.
    row = [path.name for path in paths].index('z.jpg')
    assert (among_200[row], among_all[row]) == (1, 0)


def test_real_is_keyed_by_the_number_in_the_name(world, complete, tmp_path):
    # Published labels of images 1 to 11: none; 970, 795; 230, 231; 809; 516,
    # 850; 57; 334; 700; 674; 332; 109. The classifier says of these 999,
    # 970, 230, 809, 516, 57, 230, 809, 970, 999, 999.
    model = toys.build()
    order = torch.arange(1000)
    for one, two in ((6, 970), (0, 230), (1, 809), (4, 516), (987, 57)):
        order[one], order[two] = two, one
    with torch.no_grad():
        model.head.fc.weight.copy_(model.head.fc.weight[order])
        model.head.fc.bias.copy_(model.head.fc.bias[order])
    files = toys.write_model(tmp_path / 'model', model)
    suite = '--suite', 'imagenet', 'real'
    results = evaluate(world, tmp_path, *suite, files=files)
    assert results['real'] == dict(top1=50, images=10)
    top1 = pytest.approx(100 / 11)
    assert results['imagenet'] == dict(top1=top1, images=11)
    # In the order of the data set: images 3, 7, 10, 11; 4, 8; 5; 2, 9; 6; 1
    assert per_image(tmp_path)['real'] == [*(1, 0, 0, 0, 1, 0, 1, 1, 0, 1, -1)]
    # The other classifier knows none of them.
    check(complete, 'real', [0] * 10 + [-1])


def test_corruptions(complete, world):
    results = toys.read_json(complete / 'results.json')
    found, ces, errors = per_image(complete), [], []
    for name, alexnet in ALEXNET.items():
        row = []
        for severity in range(1, 6):
            folder = world.data / 'imagenet-c' / name / str(severity)
            images, labels, _ = toys.load(folder, toys.by_wnid, resize=False)
            right = judged(world, images, labels).int().tolist()
            assert found[f'c/{name}/{severity}'] == right
            row.append(100 * (3 - sum(right)) / 3)
        entry = results['c']['per_corruption'][name]
        assert set(entry) == {'error', 'ce'}
        assert entry['error'] == pytest.approx(row)
        assert entry['ce'] == pytest.approx(sum(row) / 5 / alexnet)
        ces.append(sum(row) / 5 / alexnet)
        errors += row
    assert list(results['c']['per_corruption']) == list(ALEXNET)
    assert results['c']['mce'] == pytest.approx(sum(ces) / 15)
    assert results['c']['mean_error'] == pytest.approx(sum(errors) / 75)
    # Not all the same, and pictures that look alike to nobody.
    assert len(set(errors)) == 4
    top1 = sum(results[part]['top1'] for part in ('a', 'r', 'sketch'))
    assert results['score'] == pytest.approx((top1 + 100 - sum(ces) / 15) / 4)


def in_foolbox(world):
    mean, std = ([v / 255 for v in row] for row in (toys.MEAN, toys.STD))
    return foolbox_model(
        world.model, preprocessing=dict(mean=mean, std=std, axis=-3)
    )


def fgsm_of_foolbox(world, images, labels, epsilon):
    """Which images withstand."""
    attack = foolbox().attacks.LinfFastGradientAttack(random_start=False)
    _, found, _ = attack(in_foolbox(world), images, labels, epsilons=[epsilon])
    return judged(world, found[0], labels)


def pgd_of_foolbox(world, images, labels, epsilon, seed=0, places=None):
    """Which images withstand; they start at their own noise."""
    model = in_foolbox(world)
    places = range(len(images)) if places is None else places
    noise = torch.stack(
        [
            torch.from_numpy(
                np.random.default_rng([seed, place]).random(
                    tuple(images.shape[1:]), np.float32
                )
            )
            for place in places
        ]
    )

    class Attack(foolbox().attacks.LinfPGD):
        def get_random_start(self, x0, epsilon):
            return x0 + type(x0)(epsilon * (2 * noise - 1))

    attack = Attack(rel_stepsize=0.25, steps=20, random_start=True)
    _, found, _ = attack(model, images, labels, epsilons=[epsilon])
    return judged(world, found[0], labels)


@pytest.mark.parametrize(
    'name, attack', [('fgsm', fgsm_of_foolbox), ('pgd', pgd_of_foolbox)]
)
def test_attacks(complete, world, name, attack):
    entry = toys.read_json(complete / 'results.json')[name]
    images, labels, _ = val_images(world)
    found, top1 = per_image(complete), []
    for budget in FGSM:
        right = attack(world, images, labels, float(budget) / 255)
        assert found[f'{name}/{budget}'] == right.int().tolist()
        top1.append(100 * right.double().mean().item())
        assert entry[budget] == pytest.approx(top1[-1])
    assert entry['average'] == pytest.approx(sum(top1) / 5)
    # Or the attacks would say nothing.
    assert top1[0] > top1[1] > top1[2] > top1[3]


def autoattack_alone(world, images, labels, epsilon):
    """Which images withstand the package; in the batches of the tool."""
    model = load_config_classifier(*world.files).model
    right = []
    for x, y in zip(images.split(6), labels.split(6), strict=True):
        adversary = pyautoattack().AutoAttack(
            model, norm='Linf', eps=epsilon, seed=0
        )
        x_adv, _ = adversary.run_standard_evaluation(x, y, batch_size=6)
        right.append(model(x_adv).argmax(1) == y)
    return torch.cat(right)


def test_autoattack(complete, world, tmp_path, monkeypatch):
    shortened(monkeypatch)
    budgets = '0', '0.5', '2', '8'
    options = '--suite', 'imagenet', 'autoattack', '--epsilons', *budgets
    entry = evaluate(world, tmp_path, *options)['autoattack']
    images, labels, _ = val_images(world)
    found, top1 = per_image(tmp_path), []
    for budget in budgets:
        right = judged(world, images, labels)
        if budget != '0':
            epsilon = float(budget) / 255
            right = autoattack_alone(world, images, labels, epsilon)
        assert found[f'autoattack/{budget}'] == right.int().tolist()
        top1.append(100 * right.double().mean().item())
        assert entry[budget] == pytest.approx(top1[-1])
    assert entry['average'] == pytest.approx(sum(top1) / 4)
    assert entry['images'] == 11
    # Some of the images fall, and no fewer than to PGD-20.
    assert top1[0] > top1[1] > top1[2] > 0
    pgd = per_image(complete)
    for budget in ('2', '8'):
        assert sum(found[f'autoattack/{budget}']) <= sum(pgd[f'pgd/{budget}'])
    # The report, with Wilson's interval of 11 images
    report = (tmp_path / 'results.md').read_text()
    section = report.split('under AutoAttack')[1].splitlines()
    assert section[4].startswith(f'| tiny | {top1[0]:.1f} | {top1[1]:.1f} |')
    low, high = wilson(top1[1], 11)
    assert f'| {low:.1f} to {high:.1f} |' in section[5]
    # The comparison
    out = tmp_path / 'compared'
    paths = [str(p / 'results.json') for p in (tmp_path, complete)]
    assert tool.main(['--compare', *paths, '--out', str(out)]) == 0
    text = (out / 'comparison.md').read_text().split('under AutoAttack')[1]
    assert f'{top1[2]:.1f} (' in text and '| epsilon = 2 |' in text


def test_grid_of_the_curve(complete, world):
    grid = toys.read_json(complete / 'results.json')['curve']['grid']
    budgets = [0, 0.0005, 0.001, 0.0015, 0.002, 0.003, 1 / 255, 0.004]
    budgets += [pixels / 255 for pixels in range(2, 9)]
    assert grid['eps'] == pytest.approx(budgets, abs=1e-9)
    images, labels, _ = val_images(world)
    for epsilon, top1 in zip(budgets, grid['top1'], strict=True):
        right = pgd_of_foolbox(world, images, labels, epsilon)
        # Images that are wrong without an attack stay so.
        right &= judged(world, images, labels)
        assert top1 == pytest.approx(100 * right.double().mean().item())
        name = f'curve/grid/{epsilon:g}'
        assert per_image(complete)[name] == right.int().tolist()


def test_minimal_budgets(complete, world):
    results = toys.read_json(complete / 'results.json')
    assert results['curve']['minimal_eps'] == 'minimal_epsilons.npz'
    with np.load(complete / 'minimal_epsilons.npz') as arrays:
        names = arrays['image'].tolist()
        index, minimal = arrays['index'], arrays['epsilon']
    images, labels, paths = val_images(world)
    assert index.tolist() == list(range(11))
    assert names == [f'{p.parent.name}/{p.name}' for p in paths]
    for i, epsilon in enumerate(minimal.tolist()):
        image = images[i : i + 1], labels[i : i + 1]
        if not judged(world, *image):
            assert epsilon == 0
            continue
        assert 0 < epsilon < 0.1
        # Two in a thousand of 2/255 around: so fine is the search.
        for change, withstands in ((1.6e-5, False), (-1.6e-5, True)):
            right = pgd_of_foolbox(world, *image, epsilon + change, 0, [i])
            assert right.item() is withstands, (i, change)
    assert (minimal == 0).sum() == 2
    # The two ways to the curve agree.
    for epsilon in results['curve']['grid']['eps']:
        right = (minimal > epsilon).astype(int).tolist()
        assert per_image(complete)[f'curve/grid/{epsilon:g}'] == right


def test_report(complete):
    results = toys.read_json(complete / 'results.json')
    text = (complete / 'results.md').read_text()

    def row(*values):
        return f'| tiny | {" | ".join(f"{v:.1f}" for v in values)} |\n'

    parts = ('imagenet', 'real', 'v2', 'a', 'r', 'sketch')
    top1 = [results[part]['top1'] for part in parts]
    assert row(*top1[:3]) in text
    assert row(*top1[3:], results['c']['mce'], results['score']) in text
    for part in ('fgsm', 'pgd'):
        entry = results[part]
        assert row(*(entry[k] for k in [*FGSM, 'average'])) in text
    assert '](robustness_curve.png)' in text
    assert mmcv.imread(complete / 'robustness_curve.png').std() > 10


def test_part_of_imagenet_c_has_no_mce(complete, world, tmp_path, capsys):
    whole = toys.read_json(complete / 'results.json')['c']['per_corruption']
    # Whose cells are there already
    shutil.copytree(complete / 'cells', tmp_path / 'cells')
    options = '--suite', 'a', 'r', 'sketch', 'c', '--corruptions'
    results = evaluate(world, tmp_path, *options, *list(ALEXNET)[1:])
    assert results['c']['cells'] == 70
    assert results['c']['mce'] is None and results['score'] is None
    del whole['gaussian_noise']
    assert results['c']['per_corruption'] == whole
    options = '--suite', 'c', '--severities', '2', '4'
    results = evaluate(world, tmp_path, *options)
    assert results['c']['cells'] == 30 and results['c']['mce'] is None
    for name, entry in results['c']['per_corruption'].items():
        assert entry['ce'] is None
        if name in whole:
            two, four = (whole[name]['error'][i] for i in (1, 3))
            assert entry['error'] == [None, two, None, four, None]
    printed = capsys.readouterr().out.split()
    assert printed[-2:] == [
        str(tmp_path / name) for name in ('results.json', 'results.md')
    ]


def test_another_label_space(world, tmp_path):
    # Not sorted, and one without images
    wnids = [*reversed(toys.SYNSETS), 'n99999999']
    (tmp_path / 'classes.txt').write_text('\n'.join(wnids))
    model = toys.build(7)
    rows = [toys.SYNSETS.get(wnid, 500) for wnid in wnids]
    with torch.no_grad():
        state = dict(world.model.state_dict())
        for key in ('head.fc.weight', 'head.fc.bias'):
            state[key] = state[key][rows]
        model.load_state_dict(state)
    files = toys.write_model(tmp_path / 'model', model, 7)
    # A short option of the recipe tells the number of classes.
    cfg = Config.fromfile(files[0])
    cfg.model.head.num_classes = 1000
    cfg.shortcuts = dict(classes=dict(sets=['model.head.num_classes']))
    cfg.dump(files[0])
    options = '--classes', tmp_path / 'classes.txt', '--suite', 'imagenet', 'c'
    options += '--cfg-options', 'classes=7'
    out = tmp_path / 'out'
    results = evaluate(world, out, *options, files=files)
    images, _, paths = val_images(world)
    labels = torch.tensor([wnids.index(path.parent.name) for path in paths])
    right = toys.classify(model, images).argmax(1) == labels
    assert right.sum() >= 5
    check(out, 'imagenet', right)
    found = per_image(out)
    wrong = [1 - v for name in found for v in found[name] if name[:2] == 'c/']
    assert results['c']['mean_error'] == pytest.approx(
        100 * sum(wrong) / (75 * 3)
    )
    assert 0 < sum(wrong) < 75 * 3
    assert results['c']['cells'] == 75
    assert results['c']['mce'] is None and results['score'] is None
    assert {e['ce'] for e in results['c']['per_corruption'].values()} == {None}
    assert 'not of ImageNet-1K' in (out / 'results.md').read_text()


def test_attack_list(world, tmp_path):
    images, labels, paths = val_images(world)
    # By their places among all images
    order = [9, 2, 0, 7]
    lines = [
        f'{paths[i].parent.name}/{paths[i].name} {labels[i]}' for i in order
    ]
    (tmp_path / 'list.txt').write_text('\n'.join(lines))
    options = '--attack-list', tmp_path / 'list.txt', '--seed', 3
    parts = 'imagenet', 'fgsm', 'pgd', 'curve', '--epsilons', 0, 0.5, 2
    results = evaluate(world, tmp_path, *options, '--suite', *parts)
    assert results['imagenet']['images'] == 11
    found = per_image(tmp_path)
    listed = images[order], labels[order]
    for budget in ('0', '0.5', '2'):
        epsilon = float(budget) / 255
        # The place in the list, not among all, says where an image starts.
        for name, right in (
            ('fgsm', fgsm_of_foolbox(world, *listed, epsilon)),
            ('pgd', pgd_of_foolbox(world, *listed, epsilon, seed=3)),
        ):
            assert found[f'{name}/{budget}'] == right.int().tolist()
            assert results[name][budget] == 25 * right.sum().item()
    with np.load(tmp_path / 'minimal_epsilons.npz') as arrays:
        assert [
            f'{name} {labels[i]}'
            for name, i in zip(arrays['image'], order, strict=True)
        ] == lines
        for epsilon in results['curve']['grid']['eps']:
            right = (arrays['epsilon'] > epsilon).astype(int).tolist()
            assert found[f'curve/grid/{epsilon:g}'] == right
    assert results['fgsm']['images'] == results['pgd']['images'] == 4
    assert results['data']['attacks']['images'] == 4
    assert results['per_image']['data']['fgsm/2'] == 'attacks'
    assert results['settings']['attack_list'] == str(tmp_path / 'list.txt')


def test_more_images_than_the_paper_attacks(
    world, tmp_path, monkeypatch, capsys
):
    """Refused before the model is loaded, unless it is asked for."""
    monkeypatch.setattr(attacked_images, 'PAPER_IMAGES', 10)
    options = '--suite', 'fgsm', '--epsilons', 0
    missing = ['no_such.py', 'no_such.pth']
    argv = command(world, tmp_path, *options, files=missing)
    assert tiny_run.exit_code(tool.main, argv) == 2
    message = capsys.readouterr().err
    assert 'error: fgsm would attack all 11 images of' in message
    assert 'attack all images with --attack-all' in message
    assert not list(tmp_path.iterdir())
    results = evaluate(world, tmp_path, *options, '--attack-all')
    assert results['fgsm']['images'] == 11
    assert results['settings']['attack_list'] is None


def test_a_model_of_timm(world, tmp_path):
    name = 'vit_tiny_patch16_224'
    model = timm.create_model(name, **toys.TIMM).eval()
    images, labels, _ = val_images(world)
    # Its mean and standard deviation are 0.5.
    with torch.no_grad():
        features = model.forward_head(
            model.forward_features(2 * images - 1), pre_logits=True
        )
        classes = torch.nn.functional.one_hot(labels, 1000).float()
        model.head.weight.copy_((torch.linalg.pinv(features) @ classes).T)
    torch.save(dict(model=model.state_dict()), tmp_path / 'a.pth')
    results = evaluate(
        world,
        tmp_path,
        *('--checkpoint', tmp_path / 'a.pth', '--input-size', 16),
        *('--suite', 'imagenet', 'sketch', 'fgsm', '--epsilons', 0, 1),
        *('--cfg-options', *(f'{k}={v}' for k, v in toys.TIMM.items())),
        files=['--timm', name],
    )
    with torch.no_grad():
        check(tmp_path, 'imagenet', model(2 * images - 1).argmax(1) == labels)
        images, labels, _ = toys.load(world.data / 'sketch', toys.by_wnid)
        check(tmp_path, 'sketch', model(2 * images - 1).argmax(1) == labels)
    assert results['fgsm']['0'] == results['imagenet']['top1'] > 50
    assert results['sketch']['top1'] > 0
    assert results['model']['name'] == name
    assert results['model']['std'] == [127.5] * 3
    assert f'| {name} | ' in (tmp_path / 'results.md').read_text()


def write_training_images(root):
    for wnid, label in toys.SYNSETS.items():
        for i in range(5):
            path = root / wnid / f'{wnid}_{i}.JPEG'
            toys.save(path, toys.pixels(f'{wnid} for training {i}', label))
    return root


def test_nearest_neighbours(world, tmp_path, capsys):
    """Clean parts and corruptions by default; --pooling is another encoder."""
    train = write_training_images(tmp_path / 'train')
    out = tmp_path / 'out'
    options = '--knn', train, '--corruptions', 'fog', '--severities', 2
    results = evaluate(world, out, *options)
    clean = {'imagenet', 'real', 'v2', 'a', 'r', 'sketch'}
    assert set(results) == clean | {'c'} | BOOKKEEPING
    assert results['imagenet']['top1'] > 30
    assert results['model']['name'] == 'tiny (20-NN)'
    assert results['data']['train']['images'] == 30
    report = (out / 'results.md').read_text()
    assert '| tiny (20-NN) | ' in report
    other = evaluate(world, out, *options, '--pooling', 'avg')
    assert other['model']['sha256'] != results['model']['sha256']
    assert len(list((out / 'cells').glob('features-*.json'))) == 2
    capsys.readouterr()
    argv = command(world, out, '--knn', tmp_path / 'absent', '--suite', 'v2')
    assert tiny_run.exit_code(tool.main, argv) == 2
    message = capsys.readouterr().err
    assert f'ImageNet-1K training: there is no folder {tmp_path}/absent' in (
        message
    )


def test_nearest_neighbours_of_timm(world, tmp_path):
    """The model without its classifier, against timm itself."""
    name = 'vit_tiny_patch16_224'
    model = timm.create_model(name, **toys.TIMM).eval()
    torch.save(model.state_dict(), tmp_path / 'a.pth')
    train = write_training_images(tmp_path / 'train')
    results = evaluate(
        world,
        tmp_path,
        *('--checkpoint', tmp_path / 'a.pth', '--input-size', 16),
        *('--suite', 'imagenet', '--knn', train),
        *('--cfg-options', *(f'{k}={v}' for k, v in toys.TIMM.items())),
        files=['--timm', name],
    )
    (path,) = (tmp_path / 'cells').glob('features-*.npz')
    images, labels, _ = toys.load(train, toys.by_wnid)
    with torch.no_grad():
        expected = model.forward_head(
            model.forward_features(2 * images - 1), pre_logits=True
        )
    with np.load(path) as found:
        assert found['label'].tolist() == labels.tolist()
        assert found['feature'] == pytest.approx(expected.numpy(), abs=1e-4)
    assert results['model']['name'] == f'{name} (20-NN)'


def test_linear_head(world, tmp_path, capsys):
    state = dict(world.model.head.fc.state_dict())
    torch.save(state, tmp_path / 'linear.pth')
    options = '--linear-head', tmp_path / 'linear.pth', '--pooling', 'avg'
    parts = '--suite', 'imagenet', 'fgsm', '--epsilons', 0, 2
    out = tmp_path / 'out'
    results = evaluate(world, out, *options, *parts)
    images, labels, _ = val_images(world)
    # The head of the fine-tuned classifier, on its own encoder
    right = judged(world, images, labels)
    found = per_image(out)
    assert found['fgsm/0'] == check(out, 'imagenet', right)
    assert 0 < sum(found['fgsm/2']) < right.sum()
    assert results['model']['name'] == 'tiny (linear)'
    capsys.readouterr()
    torch.save(dict(state, weight=torch.zeros(1000, 7)), tmp_path / 'b.pth')
    argv = command(world, out, '--linear-head', tmp_path / 'b.pth', *parts)
    assert tiny_run.exit_code(tool.main, argv) == 2
    assert 'b.pth classifies 7 channels, but tiny has 32' in (
        capsys.readouterr().err
    )


def test_native_images(world, tmp_path, capsys):
    images, labels, paths = val_images(world)
    folder = tmp_path / 'data/imagenet/val'
    for path, image in zip(paths, images, strict=True):
        pixels = (255 * image).round().byte().permute(1, 2, 0).numpy()
        target = folder / path.parent.name / f'{path.stem}.png'
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(target)
    data = '--imagenet', folder, '--suite', 'imagenet'
    out = tmp_path / 'out'
    evaluate(world, out, *data, '--native')
    check(out, 'imagenet', judged(world, images, labels))
    assert toys.read_json(out / 'results.json')['settings']['native'] is True
    options = '--suite', 'imagenet', '--native'
    assert (
        tiny_run.exit_code(tool.main, command(world, tmp_path / 'o', *options))
        == 2
    )
    assert 'has 44 x 40 pixels, but 16 x 16' in capsys.readouterr().err


def test_compare(complete, world, tmp_path, capsys):
    files = toys.write_model(tmp_path / 'model', toys.build(seed=1))
    other = evaluate(
        world,
        tmp_path / 'other',
        *('--suite', 'v2', 'fgsm', '--epsilons', 1),
        files=files,
    )
    first = toys.read_json(complete / 'results.json')
    capsys.readouterr()
    paths = [str(p / 'results.json') for p in (complete, tmp_path / 'other')]
    out = tmp_path / 'out'
    assert tool.main(['--compare', *paths, '--out', str(out)]) == 0
    assert capsys.readouterr().out.split() == [
        str(out / name) for name in ('comparison.md', 'robustness_curves.png')
    ]
    text = (out / 'comparison.md').read_text()
    lines = [
        line
        for line in text.splitlines()
        if line.startswith('| tiny (other) - tiny (complete) | ')
    ]
    change = other['v2']['top1'] - first['v2']['top1']
    assert f'| {change:+.1f} (' in lines[0]
    change = other['fgsm']['1'] - first['fgsm']['1']
    assert change and any(f'| {change:+.1f} (' in line for line in lines[1:])
    assert (
        tiny_run.exit_code(
            tool.main, ['--compare', 'absent.json', '--out', str(out)]
        )
        == 2
    )


@pytest.mark.parametrize(
    'number, code', [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_interrupt(world, tmp_path, capsys, monkeypatch, number, code):
    def interrupted(*args):
        signal.raise_signal(number)

    monkeypatch.setattr(tool, 'run_suite', interrupted)
    argv = command(world, tmp_path, '--suite', 'v2')
    assert tool.main(argv) == code
    assert f'are in {tmp_path}/cells; run the same' in capsys.readouterr().err
    # A comparison makes no parts.
    monkeypatch.setattr(tool, 'compare_results', interrupted)
    argv = ['--compare', 'a.json', 'b.json', '--out', str(tmp_path)]
    assert tool.main(argv) == code
    assert capsys.readouterr().err == '\nInterrupted.\n'


def in_two_processes(world, out, *options):
    """Run the tool; what it printed."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    process = tiny_run.start(
        sys.executable,
        *('-m', 'torch.distributed.run', '--nproc_per_node=2'),
        *(f'--master_port={port}', TOOL),
        *command(world, out, *options),
        *('--launcher', 'pytorch'),
        cwd=out.parent,
        env=tiny_run.environment(),
    )
    code, output = tiny_run.finish(process)
    assert code == 0, output
    return output


@pytest.mark.slow
def test_two_processes_share_the_neighbours(world, tmp_path):
    train = write_training_images(tmp_path / 'train')
    # 29 images: the sampler pads.
    (train / 'n01440764/n01440764_0.JPEG').unlink()
    options = '--suite', 'imagenet', 'a', 'v2', '--knn', train
    one, two = tmp_path / 'one', tmp_path / 'two'
    expected = evaluate(world, one, *options)
    in_two_processes(world, two, *options)
    assert toys.read_json(two / 'results.json') == expected
    assert per_image(two) == per_image(one)
    features = []
    for out in (one, two):
        (path,) = (out / 'cells').glob('features-*.npz')
        with np.load(path) as arrays:
            features.append(dict(arrays))
    assert features[0]['index'].tolist() == list(range(29))
    for name, values in features[0].items():
        assert features[1][name] == pytest.approx(values, abs=1e-5)


@pytest.mark.slow
def test_two_processes_give_the_results_of_one(complete, world, tmp_path):
    """Image by image. Numbers of images are odd: the sampler pads."""
    options = ['--all-classes', '--epsilons', '1', '2']
    options += ['--corruptions', 'fog', 'snow', '--severities', '1', '5']
    one, two = tmp_path / 'one', tmp_path / 'two'
    shutil.copytree(complete / 'cells', one / 'cells')
    expected = evaluate(world, one, *options)
    output = in_two_processes(world, two, *options)
    # The main process alone writes and says so.
    assert output.count(str(two / 'results.json')) == 1
    assert per_image(two) == per_image(one)
    minimal = []
    for out in (one, two):
        with np.load(out / 'minimal_epsilons.npz') as arrays:
            minimal.append({k: v.tolist() for k, v in arrays.items()})
    assert minimal[0] == minimal[1]
    assert toys.read_json(two / 'results.json') == expected
    assert len(per_image(two)) == 8 + 4 + 2 + 2 + 15
