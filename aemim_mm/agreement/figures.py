# Copyright (c) aemim_mm contributors. All rights reserved.
"""Does an evaluator give the figure that a run is judged by?"""

from collections.abc import Callable, Iterator, Mapping

from mmpretrain.datasets import MNIST

from ..config_check import registries
from ..utils import near_misses, type_name
from .disagreement import Disagreement
from .names import evaluators, inner_datasets
from .run import Run
from .settings import schedulers


def figure_is_given(run: Run) -> None:
    """Best checkpoint, early stop and plateau are judged by what is there."""
    if 'train' not in run.phases:
        return
    for key, figure, way_out in _judges(run):
        if 'val' not in run.phases:
            raise Disagreement(
                f'{key}={figure!r}, but the run has no validation '
                '(val_dataloader is not set): there would be no such figure. '
                'Pre-training is judged afterwards, by fine-tuning or a '
                f'linear probe of its last checkpoint. {way_out}'
            )
        given = _figures(run)
        if given is not None and figure != 'auto' and figure not in given:
            raise Disagreement(
                f'{key}={figure!r}, but val_evaluator gives '
                f'{", ".join(given)}.{near_misses(figure, given)} Name one '
                f'of these. {way_out}'
            )


def top_k_of_classes(run: Run) -> None:
    """There are k classes to be among the k likeliest."""
    classes = (run.model.get('head') or {}).get('num_classes')
    for phase in set(run.phases) & {'val', 'test'}:
        for key, metric in evaluators(run, phase):
            topk = metric.get('topk', 1)
            most = max([topk] if isinstance(topk, int) else topk, default=1)
            if (
                type_name(metric['type']).endswith('Accuracy')
                and classes is not None
            ):
                if most > classes:
                    raise Disagreement(
                        f'{key}.topk={topk}, but model.head.num_classes='
                        f'{classes}: the first evaluation would fail. Set '
                        f'{key}.topk to numbers up to {classes}.'
                    )


def test_images_are_read(run: Run) -> None:
    """Data sets of the MNIST family read what ``test_mode`` says."""
    for phase in set(run.phases) & {'val', 'test'}:
        for key, config in inner_datasets(run, phase):
            kind = config.get('type') or ''
            found = registries.first('dataset', kind, run.scope)
            if not (isinstance(found, type) and issubclass(found, MNIST)):
                continue
            split = config.get('split') or 'train'
            if split != 'train' and not config.get('test_mode', False):
                raise Disagreement(
                    f'{key}.split={split!r}, but test_mode=False, by which '
                    f'{found.__name__} reads the training images. Set '
                    f'{key}.test_mode=True.'
                )


def _judges(run: Run) -> Iterator[tuple[str, str, str]]:
    """Key and figure of all that goes by one, and how to do without."""
    for key, hook in _hooks(run):
        best = hook.get('save_best') or ()
        for figure in [best] if isinstance(best, str) else best:
            yield f'{key}.save_best', figure, f'Or set {key}.save_best=None.'
        stops = type_name(hook.get('type')) == 'EarlyStoppingHook'
        if stops and hook.get('monitor') is not None:
            way_out = 'Or leave EarlyStoppingHook out.'
            yield f'{key}.monitor', hook['monitor'], way_out
    for key, scheduler in schedulers(run.cfg):
        if type_name(scheduler.get('type')) == 'ReduceOnPlateauLR':
            figure = scheduler.get('monitor', 'loss')
            yield f'{key}.monitor', figure, 'Or choose another scheduler.'


def _hooks(run: Run) -> Iterator[tuple[str, Mapping]]:
    """Places and configs of the hooks that may go by a figure."""
    hook = run.section('default_hooks').get('checkpoint')
    if isinstance(hook, Mapping):
        yield 'default_hooks.checkpoint', hook
    for index, hook in enumerate(run.cfg.get('custom_hooks') or ()):
        yield f'custom_hooks.{index}', hook


def _figures(run: Run) -> list[str] | None:
    """What the evaluators give, None if one of them does not say."""
    names = []
    for _, metric in evaluators(run, 'val'):
        kind = registries.first('metric', metric['type'], run.scope)
        figures = FIGURES.get(type_name(kind))
        items = figures and figures(metric)
        if items is None:
            return None
        prefix = metric.get('prefix') or getattr(kind, 'default_prefix', None)
        names += [f'{prefix}/{item}' for item in items]
    return names


def _suffixes(metric: Mapping) -> list[str]:
    """What mmpretrain's metrics add to a name, for each threshold."""
    thresholds = metric.get('thrs', 0.0)
    if not isinstance(thresholds, list | tuple) or len(thresholds) == 1:
        return ['']
    return ['_no-thr' if t is None else f'_thr-{t:.2f}' for t in thresholds]


def _accuracy(metric: Mapping) -> list[str]:
    """The names that mmpretrain's ``Accuracy`` gives."""
    topk = metric.get('topk', 1)
    topk = [topk] if isinstance(topk, int) else topk
    return [f'top{k}{suffix}' for k in topk for suffix in _suffixes(metric)]


def _single_label(metric: Mapping) -> list[str]:
    """The names that mmpretrain's ``SingleLabelMetric`` gives."""
    average = metric.get('average', 'macro')
    end = {None: '_classwise', 'micro': '_micro'}.get(average, '')
    items = metric.get('items', ('precision', 'recall', 'f1-score'))
    return [
        f'{item}{suffix}{end}'
        for suffix in _suffixes(metric)
        for item in items
    ]


def _coco(metric: Mapping) -> list[str] | None:
    """The names that mmdet's ``CocoMetric`` gives."""
    kinds = metric.get('metric', 'bbox')
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not {'bbox', 'segm'} >= set(kinds) or metric.get('metric_items'):
        return None
    items = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')
    return [f'{kind}_{item}' for kind in kinds for item in items]


# By type: the names without prefix, None where they cannot be known.
FIGURES: dict[str, Callable[[Mapping], list[str] | None]] = {
    'Accuracy': _accuracy,
    'SingleLabelMetric': _single_label,
    'CocoMetric': _coco,
}
