# Copyright (c) aemim_mm contributors. All rights reserved.


def type_name(kind: object) -> str:
    """The name of what ``type`` stands for in a config: ``'EMAHook'``.

    Of a name, with or without a scope or a module (``'mmengine.EMAHook'``), or
    of a class, as configs with ``read_base()`` have it.
    """
    return (getattr(kind, '__name__', None) or str(kind)).rpartition('.')[2]
