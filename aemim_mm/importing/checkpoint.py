# Copyright (c) aemim_mm contributors. All rights reserved.
"""From a file of another library to a checkpoint of mmpretrain."""

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from torch import Tensor

from aemim_mm_cli.choices import KINDS, LIMIT

from ..checkpoints.fit import require_finite
from ..checkpoints.terms import KEY, UNKNOWN, Terms, in_words, license_of
from ..export.architecture import Architecture, find_architecture
from ..export.export_file import check_out, save_export
from ..export.metadata import describe
from ..export.mmpretrain_library import MMPretrain
from ..export.source import Source
from ..utils import type_name
from ..utils.read_config import read_config
from .comparison import compare_import
from .decoder import decoder_config
from .foreign_file import ForeignFile, read_foreign
from .keys import Parts, from_transformers, split
from .own_file import own_parts


@dataclass(frozen=True)
class Import:
    """What was written.

    Args:
        architecture (ViT | Swin): Of the encoder.
        decoder (dict[str, Any]): The config of ``neck`` for pre-training;
            empty if the file has no decoder.
        terms (Terms): Sources and licences.
        dropped (dict[str, int]): What was left behind.
        num_tensors (int): How many tensors ``out`` has.
        load (str): The config that loads the encoder.
        differences (dict[str, float]): The largest absolute difference in
            what was compared; empty without a check.
    """

    architecture: Architecture
    decoder: dict[str, Any]
    terms: Terms
    dropped: dict[str, int]
    num_tensors: int
    load: str
    differences: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether no difference is above the limit; NaN is."""
        return all(value <= LIMIT for value in self.differences.values())


def import_checkpoint(
    file: str | PathLike,
    out: str | PathLike,
    kind: str,
    config: str | PathLike | None = None,
    license: str | None = None,
    source: str | None = None,
    check: bool = False,
    python: str = sys.executable,
    force: bool = False,
) -> Import:
    """Write a checkpoint from elsewhere as mmpretrain and AEMIM load it.

    Args:
        file (str or PathLike): The file; a folder that timm or transformers
            has saved; or ``'timm:NAME'``, a model that timm downloads.
        out (str or PathLike): The new file, ``.pth`` or ``.safetensors``:
            ``backbone.*``, of a classifier ``head.*``, and of a pre-training
            file with a decoder ``neck.*``. It appears when it is complete,
            and with ``check`` only if the check passes.
        kind (str): Whose file it is, a key of ``KINDS``.
        config (str or PathLike, optional): A config whose ``backbone`` (and
            ``neck``) is of this size, for what shapes do not tell. Defaults
            to None.
        license (str, optional): Of the weights. Defaults to None, what the
            file or its library says, or ``'unknown'``.
        source (str, optional): Where the weights are from. Defaults to None,
            likewise.
        check (bool): Whether to compare features (and the decoder of MAE)
            with the source library on random images. Defaults to False.
        python (str): The Python that has transformers, for its check.
            Defaults to this one.
        force (bool): Whether to replace ``out``. Defaults to False.

    Returns:
        Import: What was written; if not ``passed``, nothing was.

    Raises:
        FileNotFoundError: If a file or the folder of ``out`` is not there.
        ValueError: If the file is of another kind or architecture, or an
            argument cannot be used.
        RuntimeError: If the file cannot be downloaded.
    """
    if kind not in KINDS:
        raise ValueError(f'unknown kind {kind!r}; it is one of {list(KINDS)}')
    path = check_out(out, file, force)
    foreign = read_foreign(fspath(file), kind)
    settings = _settings(config)
    if kind == 'mmpretrain':
        own, parts = own_parts(foreign, config)
    else:
        weights = foreign.weights
        if kind == 'transformers':
            weights = from_transformers(weights)
        parts = split(weights)
        own = _source(foreign, parts, settings)
    own.dropped.update(foreign.dropped)
    architecture = find_architecture(own)
    decoder = own.meta.get('decoder') or {}
    decoder = json.loads(decoder) if isinstance(decoder, str) else decoder
    told = {**decoder, **own.config_of('neck'), **settings.get('neck', {})}
    heads = told.get('decoder_num_heads', foreign.decoder_heads)
    decoder = decoder_config(parts.decoder, architecture, heads)
    library = MMPretrain(own, architecture)
    converted = {
        **library.weights(),
        **{f'neck.{key}': value for key, value in parts.decoder.items()},
    }
    if parts.mask_token is not None:
        converted['backbone.mask_token'] = parts.mask_token
    require_finite(converted, str(file))
    load = library.load_code(path.name)
    meta = describe(own, architecture, 'mmpretrain', load)
    if kind != 'mmpretrain':
        meta['recipe'] = {}
    terms = _terms(foreign, license, source)
    meta.update({KEY: terms, 'imported_from': kind, 'decoder': decoder})
    if license or {entry['license'] for entry in terms} - {UNKNOWN}:
        meta['license'] = license or license_of(terms)
    differences: dict[str, float] = {}
    with tempfile.TemporaryDirectory(
        dir=path.parent, prefix='.import_'
    ) as folder:
        written = Path(folder) / path.name
        save_export(written, converted, meta)
        if check:
            differences = compare_import(
                foreign, kind, own, architecture, decoder, written, python
            )
        done = Import(
            architecture=architecture,
            decoder=decoder,
            terms=terms,
            dropped=own.dropped,
            num_tensors=len(converted),
            load=library.load_code(str(path)),
            differences=differences,
        )
        if done.passed:
            os.replace(written, path)
    return done


def _settings(config: str | PathLike | None) -> dict[str, Any]:
    """What a config says of ``backbone`` and ``neck``."""
    if config is None:
        return {}
    model = read_config(str(Path(fspath(config)).expanduser())).get('model')
    found = dict(model.to_dict()) if model else {}
    if 'backbone' not in found:
        raise ValueError(
            f'--config {config} has no model.backbone: give the config of a '
            'run that the weights are for'
        )
    return {k: found.get(k) or {} for k in ('backbone', 'neck')}


def _source(
    foreign: ForeignFile, parts: Parts, settings: dict[str, Any]
) -> Source:
    """The converted encoder and classifier, as the export has them."""
    model = dict(foreign.model)
    if settings:
        neck = settings['neck']
        pooled = type_name(neck.get('type')) == 'GlobalAveragePooling'
        # A decoder is told by its weights.
        model = dict(
            backbone=dict(settings['backbone']), neck=neck if pooled else {}
        )
    head: dict[str, Tensor] = {}
    if parts.head:
        backbone = model.get('backbone', {})
        pooled = 'ln2.weight' in parts.encoder
        if 'cls_token' not in parts.encoder or pooled or model.get('neck'):
            head = {f'fc.{key}': value for key, value in parts.head.items()}
        elif backbone.get('type'):
            head = {
                f'layers.head.{key}': value
                for key, value in parts.head.items()
            }
        else:
            # Token or mean of the patches? Nothing tells.
            parts.dropped[
                'classifier (head.*; give the folder with config.json, '
                'timm:NAME or --config to keep it)'
            ] += len(parts.head)
    return Source(
        path=foreign.path,
        encoder=parts.encoder,
        head=head,
        neck={},
        dropped=dict(parts.dropped),
        config=dict(model=model, data_preprocessor=foreign.preprocessor),
        meta=foreign.meta,
    )


def _terms(
    foreign: ForeignFile, license: str | None, source: str | None
) -> Terms:
    """What the user says; but what the file itself says holds."""
    if license is None and source is None:
        return foreign.terms
    known = {entry['license'] for entry in foreign.terms} - {UNKNOWN}
    if foreign.told and (source or known - {license}):
        raise ValueError(
            f'{in_words(foreign.terms)} The file says so: leave --license '
            'and --source out'
        )
    (said,) = foreign.terms if len(foreign.terms) == 1 else ({},)
    if foreign.told:
        return [{**each, 'license': str(license)} for each in foreign.terms]
    return [
        dict(
            source=source or said.get('source', UNKNOWN),
            license=license or said.get('license', UNKNOWN),
        )
    ]
