# Copyright (c) aemim_mm contributors. All rights reserved.
"""Data sets of timm: WebDataset shards and those of Hugging Face."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import numpy as np
import timm
from mmcv.transforms import Compose
from mmengine.dist import get_dist_info
from mmpretrain.registry import DATASETS
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, get_worker_info

# Shards are given out in the reader; other streams are split by timm.
SHARDS = 'wds/'
STREAMS = (SHARDS, 'hfids/')
UNLABELLED = -1


class _TimmBase:
    """What both kinds share: a data set of timm, and our transforms."""

    def __init__(
        self,
        name: str,
        root: str | None,
        split: str,
        pipeline: Sequence[dict],
        classes: Sequence[str] | None = None,
        **options: Any,
    ) -> None:
        self.shards = name.lower().startswith(SHARDS)
        try:
            self.dataset = timm.data.create_dataset(
                name, root=root, split=split, **options
            )
        except (AssertionError, ImportError, RuntimeError) as error:
            raise ValueError(
                f'TimmDataset: {name!r}, root={root!r}, split={split!r} '
                f'cannot be opened: {error}. Shards (wds/) need the package '
                'webdataset, and num_samples where no info.json says it; '
                'hfds/ and hfids/ need the package datasets'
            ) from error
        self.pipeline = Compose(pipeline)
        self.metainfo = dict(classes=tuple(classes)) if classes else {}
        self.summary = f'{len(self)} images in {name} {root or ""} ({split})'

    def __len__(self) -> int:
        return len(self.dataset)

    def _transformed(self, image: Image.Image, label: int) -> Any:
        pixels = np.asarray(image.convert('RGB'))[..., ::-1]
        shape = pixels.shape[:2]
        results = dict(
            img=np.ascontiguousarray(pixels), img_shape=shape, ori_shape=shape
        )
        if label != UNLABELLED:
            results['gt_label'] = int(label)
        return self.pipeline(results)


class TimmImages(_TimmBase, Dataset):
    """A data set of timm with an index; a sampler splits it over ranks.

    Args:
        *args: ``name``, ``root``, ``split``, ``pipeline`` and ``classes``, as
            :func:`timm_dataset`.
        passes (int, optional): As :func:`timm_dataset`.
        **options: Of :func:`timm.data.create_dataset`.
    """

    def __init__(
        self, *args: Any, passes: int | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.passes = passes

    def __getitem__(self, index: int) -> Any:
        """The transformed image of an index.

        Raises:
            ValueError: If it cannot be read in an evaluation.
        """
        if self.passes is None:
            return self._transformed(*self.dataset[index])
        # timm's own data set would take the next image for a damaged one.
        try:
            file, label = self.dataset.reader[index][:2]
            image = Image.open(file).convert('RGB')
        except OSError as error:
            raise ValueError(
                f'TimmDataset: image {index} of {self.summary} cannot be '
                f'read ({error}). An evaluation leaves none out'
            ) from error
        return self._transformed(image, UNLABELLED if label is None else label)


class TimmStream(_TimmBase, IterableDataset):
    """A data set of timm that is read from its beginning to its end.

    In each pass every shard is read by one worker of one rank. Each image is
    therefore used exactly once, for any number of ranks and workers. The
    order of the shards, and so the worker of each shard, changes in each
    pass.

    Args:
        *args: ``name``, ``root``, ``split``, ``pipeline`` and ``classes``, as
            :func:`timm_dataset`.
        shuffle (bool): As :func:`timm_dataset`.
        passes (int, optional): As :func:`timm_dataset`.
        seed (int): As :func:`timm_dataset`.
        **options: Of :func:`timm.data.create_dataset`.
    """

    def __init__(
        self,
        *args: Any,
        shuffle: bool = True,
        passes: int | None = None,
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(*args, is_training=shuffle, seed=seed, **options)
        if self.shards:
            # Those of a pass take their place in the reader.
            self._all_shards = tuple(self.dataset.reader.split_info.filenames)
        self.shuffle, self.passes, self.seed = shuffle, passes, seed
        self._process = (0, 1)

    def __getstate__(self) -> dict[str, Any]:
        """For a worker that is no fork, and so knows nothing of ranks."""
        return {**self.__dict__, '_process': self._rank_and_world()}

    def _rank_and_world(self) -> tuple[int, int]:
        rank, world = get_dist_info()
        return (rank, world) if world > 1 else self._process

    def __iter__(self) -> Iterator[Any]:
        """Transformed images, pass after pass.

        Raises:
            ValueError: If it is to be evaluated by several processes, whose
                results could not be put together; if there are fewer shards
                than workers of all ranks, or no image in those of this one.
        """
        # Only now: the processes know each other later than the data set.
        if self.passes is not None and self._rank_and_world()[1] > 1:
            raise ValueError(
                f'TimmDataset: {self.summary} with passes={self.passes} is '
                'evaluated by several processes, which have different numbers '
                'of images: evaluate in one process'
            )
        count = 0
        while self.passes is None or count < self.passes:
            yield from self.one_pass(count)
            count += 1

    def one_pass(self, count: int) -> Iterator[Any]:
        """This worker's part of a pass.

        Damaged images of shards are left out in training, with a warning of
        timm's. With ``passes``, they are an error.

        Args:
            count (int): Number of the pass, which gives the order.

        Yields:
            Any: Transformed images.

        Raises:
            ValueError: If there are fewer shards than workers of all ranks,
                no image in those of this one, or a damaged one in an
                evaluation.
        """
        empty = True
        read = self._shards if self.shards else self._as_timm
        for image, label in read(count):
            empty = False
            yield self._transformed(image, label)
        if empty:
            raise ValueError(
                f'TimmDataset: there is no readable image in {self.summary} '
                'for this worker. Images end in .jpg, .png or .webp (option '
                'input_key)'
            )

    def _as_timm(self, count: int) -> Iterator[tuple[Image.Image, int]]:
        # The reader asked for them when it was built, which is too early.
        reader = self.dataset.reader
        reader.dist_rank, reader.dist_num_replicas = self._rank_and_world()
        self.dataset.set_epoch(count)
        return iter(self.dataset)

    def _shards(self, count: int) -> Iterator[tuple[Image.Image, int]]:
        """Images of the shards of this worker, by timm's own steps.

        timm's reader cuts a pass to the same number of images for every
        worker, so that some are lost and some come twice; its steps are run
        here without that cut.
        """
        from webdataset import filters

        reader = self.dataset.reader
        worker, (rank, world) = get_worker_info(), self._rank_and_world()
        workers = worker.num_workers if worker else 1
        index = rank * workers + (worker.id if worker else 0)
        total = world * workers
        names = list(self._all_shards)
        if len(names) < total:
            raise ValueError(
                f'TimmDataset: {len(names)} shards are too few for {world} '
                f'processes x {workers} workers: set '
                f'train_dataloader.num_workers to {len(names) // world} or '
                'less, or make more shards'
            )
        if self.shuffle:
            np.random.default_rng((self.seed, count)).shuffle(names)
        reader.split_info = dataclasses.replace(
            reader.split_info, filenames=tuple(names[index::total])
        )
        # The names are split already.
        reader.worker_info, reader.dist_num_replicas = True, 1
        entropy = np.random.SeedSequence((self.seed, count, index))
        reader.worker_seed = int(entropy.generate_state(1)[0])
        reader._lazy_init()
        if not reader.target_key and not reader.split_info.alt_label:
            # before decoding, which wants a label
            reader.ds.pipeline.insert(-2, filters.map(_with_label))
        if self.passes is not None:
            for step in reader.ds.pipeline:
                if 'handler' in getattr(step, 'kw', {}):
                    step.kw['handler'] = _refuse_damaged
        for sample in reader.ds:
            yield sample['image'], sample['target']


@DATASETS.register_module(name='TimmDataset')
def timm_dataset(
    name: str,
    root: str | None = None,
    split: str = 'train',
    pipeline: Sequence[dict] = (),
    classes: Sequence[str] | None = None,
    shuffle: bool = True,
    passes: int | None = None,
    seed: int = 0,
    num_samples: int | None = None,
    input_key: str | None = None,
    target_key: str | None = None,
) -> TimmImages | TimmStream:
    """A data set of :func:`timm.data.create_dataset`.

    ``wds/`` (WebDataset shards) and ``hfids/`` (streams of Hugging Face) have
    no index: use them with ``train_dataloader.sampler=None`` and
    ``train_cfg.type='IterBasedTrainLoop'``, and evaluate in one process.
    Others, such as ``hfds/``, have an index and use a sampler, as any data
    set.

    Args:
        name (str): Such as ``'wds/photos'`` or ``'hfds/user/photos'``.
        root (str, optional): The folder, or the address, of the shards; the
            cache of Hugging Face. Defaults to None.
        split (str): Name of the split, or shards as
            ``'photos-{0000..0099}.tar'``. Defaults to ``'train'``.
        pipeline (Sequence[dict]): Transforms after loading: of ``img``
            (H, W, 3) BGR, uint8. Defaults to ``()``.
        classes (Sequence[str], optional): Names of the classes. Defaults to
            None.
        shuffle (bool): Of a stream: whether shards and images come in random
            order. Defaults to True.
        passes (int, optional): How often to read all of a stream; 1 for an
            evaluation, also of data with an index: a damaged image is an
            error then. Defaults to None, endlessly, for training.
        seed (int): Of that order. Defaults to 0.
        num_samples (int, optional): Number of images of a stream, where its
            info does not say it. Defaults to None.
        input_key (str, optional): Where a sample has its image, as in timm.
            Defaults to None.
        target_key (str, optional): Where it has its label, as in timm.
            Defaults to None. Shards without labels have none.

    Returns:
        TimmImages | TimmStream: The data set.

    Raises:
        ValueError: If it cannot be opened.
    """
    keys = dict(input_key=input_key, target_key=target_key)
    options: dict[str, Any] = {
        key: value for key, value in keys.items() if value
    }
    if not name.lower().startswith(STREAMS):
        return TimmImages(
            *(name, root, split, pipeline, classes), passes=passes, **options
        )
    return TimmStream(
        *(name, root, split, pipeline, classes),
        shuffle=shuffle,
        passes=passes,
        seed=seed,
        num_samples=num_samples,
        **options,
    )


def _refuse_damaged(error: Exception) -> NoReturn:
    """A handler of webdataset: an evaluation leaves no image out."""
    raise ValueError(
        'TimmDataset: a shard, or an image in it, cannot be read '
        f'({type(error).__name__}: {error}). An evaluation leaves none out'
    ) from error


def _with_label(sample: dict) -> dict:
    return {'cls': str(UNLABELLED).encode(), **sample}
