# Copyright (c) aemim_mm contributors. All rights reserved.


def type_name(kind: object) -> str:
    """The name of what ``type`` stands for in a config.

    Args:
        kind (object): The value of ``type``: a name, with or without a scope
            or a module, or a class, as configs with ``read_base()`` have it.

    Returns:
        str: ``'EMAHook'`` for ``'mmengine.EMAHook'`` and for the class.
    """
    return (getattr(kind, '__name__', None) or str(kind)).rpartition('.')[2]
