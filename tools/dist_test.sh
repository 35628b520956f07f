#!/usr/bin/env bash
# Copyright (c) aemim_mm contributors. All rights reserved.
# Usage: [PORT=...] [NNODES=1] [NODE_RANK=0] [MASTER_ADDR=127.0.0.1]
#        [PYTHON=...] tools/dist_test.sh CONFIG CHECKPOINT GPUS
#        [options of test.py]
# On one node a free port is found where PORT names none; several nodes share
# PORT, 29500 if it names none.
# Without an accelerator GPUS is the number of CPU processes.
set -euo pipefail

if [ $# -lt 3 ]; then
    echo "usage: $0 CONFIG CHECKPOINT GPUS [options of test.py]" >&2
    exit 2
fi
CONFIG=$1
CHECKPOINT=$2
GPUS=$3
shift 3

TOOLS=$(cd "$(dirname "$0")" && pwd)
export PYTHONPATH="$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}"

source "$TOOLS/_torchrun.sh"
run_distributed "$GPUS" "$TOOLS/test.py" "$CONFIG" "$CHECKPOINT" \
    --launcher pytorch "$@"
