# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a ViT of transformers computes; a script for a Python that has it.

``python transformers_outputs.py FOLDER IMAGES OUT``: the folder that
``save_pretrained`` has written, a file with normalised images (B, C, H, W),
and the file for ``features`` (B, 1 + L, C), ``logits`` of a classifier, and
of ViTMAE's ``decoder`` the predictions (B, L, P) from the first half of the
patches. It imports nothing of this package.
"""

import sys

import torch
import transformers


@torch.no_grad()
def outputs(folder: str, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Load the model, and compute its outputs, by name.

    From a folder with ``config.json`` and the weights, and normalised images
    (B, C, H, W).
    """
    config = transformers.AutoConfig.from_pretrained(folder)
    name = (config.architectures or ['ViTModel'])[0]
    if config.model_type == 'vit_mae':
        config.mask_ratio = 0.0
    options = {}
    if name == 'ViTModel':
        options['add_pooling_layer'] = False
    model = (
        getattr(transformers, name)
        .from_pretrained(folder, config=config, dtype=torch.float32, **options)
        .eval()
    )
    encoder = getattr(model, 'vit', model)
    if config.model_type != 'vit_mae':
        found = dict(features=encoder(images).last_hidden_state)
        if hasattr(model, 'classifier'):
            found['logits'] = model(images).logits
        return found
    patches = (config.image_size // config.patch_size) ** 2
    order = torch.arange(patches).expand(len(images), -1)
    features = encoder(images, noise=order.float()).last_hidden_state
    found = dict(features=features)
    if hasattr(model, 'decoder'):
        visible = features[:, : 1 + patches // 2]
        found['decoder'] = model.decoder(visible, order).logits
    return found


if __name__ == '__main__':
    folder, given, answer = sys.argv[1:]
    torch.save(outputs(folder, torch.load(given, weights_only=True)), answer)
