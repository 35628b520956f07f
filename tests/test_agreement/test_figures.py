# Copyright (c) aemim_mm contributors. All rights reserved.
from mmengine.config import Config

from aemim_mm.agreement import Run
from aemim_mm.agreement.figures import figure_is_given


def test_what_a_hook_of_the_users_own_monitors_is_its_own():
    figure_is_given(
        Run(
            Config(
                dict(
                    train_dataloader={},
                    custom_hooks=[dict(type='MyHook', monitor='throughput')],
                )
            )
        )
    )
