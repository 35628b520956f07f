# Copyright (c) aemim_mm contributors. All rights reserved.
"""torchrun, with the exit code and one line of what ended the processes.

torchrun itself ends with 1 and a traceback of its own, whatever happened.
"""

import signal
import sys
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from torch.distributed.elastic.multiprocessing.api import (  # noqa: E402
    SignalException,
)
from torch.distributed.elastic.multiprocessing.errors import (  # noqa: E402
    ChildFailedError,
)
from torch.distributed.run import parse_args, run  # noqa: E402

from aemim_mm_cli.interruption import TRY_AGAIN, leave_signals  # noqa: E402


def main() -> int:
    """Run the processes.

    Returns:
        int: 0, or the exit code of the first process that failed; 128 and
        the number of the signal that ended it, or this launcher.
    """
    args = parse_args(sys.argv[1:])
    try:
        run(args)
    except SignalException as error:
        # The processes got the signal as well, and have said more.
        return 128 + error.sigval
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        code = failure.exitcode
        if code < 0:
            how = ''
            if Path(args.training_script).name == 'train.py':
                how = (
                    '. The same command with --resume goes on from the '
                    'latest checkpoint'
                )
            print(
                f'error: process {rank} was killed by '
                f'{signal.Signals(-code).name}; the others were stopped{how}',
                file=sys.stderr,
            )
            return 128 - code
        # The first process, which speaks for all, says that it was told to
        # end: by this launcher, since another one has failed.
        if rank and code != TRY_AGAIN and code < 128:
            print(
                f'error: process {rank} ended with exit code {code}, and its '
                'error is above; the others were stopped',
                file=sys.stderr,
            )
        return code
    return 0


if __name__ == '__main__':
    code = main()
    leave_signals()
    sys.exit(code)
