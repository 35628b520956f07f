#!/usr/bin/env bash
# Copyright (c) aemim_mm contributors. All rights reserved.
# Usage: [PORT=...] [NNODES=1] [NODE_RANK=0] [MASTER_ADDR=127.0.0.1]
#        [PYTHON=...] tools/dist_train.sh CONFIG GPUS [options of train.py]
# On one node a free port is found where PORT names none; several nodes share
# PORT, 29500 if it names none.
# Without an accelerator GPUS is the number of CPU processes.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG GPUS [options of train.py]" >&2
    exit 2
fi
TOOLS=$(cd "$(dirname "$0")" && pwd)
source "$TOOLS/_torchrun.sh"
AEMIM_COMMAND=$(command_line PORT NNODES NODE_RANK MASTER_ADDR PYTHON \
    -- "$0" "$@")
export AEMIM_COMMAND
CONFIG=$1
GPUS=$2
shift 2

export PYTHONPATH="$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}"

run_distributed "$GPUS" "$TOOLS/train.py" "$CONFIG" \
    --launcher pytorch "$@"
