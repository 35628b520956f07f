#!/usr/bin/env bash
# Copyright (c) aemim_mm contributors. All rights reserved.
# Usage: [PORT=29500] [NNODES=1] [NODE_RANK=0] [MASTER_ADDR=127.0.0.1]
#        [PYTHON=...] tools/dist_train.sh CONFIG GPUS [options of train.py]
# Without an accelerator GPUS is the number of CPU processes.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG GPUS [options of train.py]" >&2
    exit 2
fi
CONFIG=$1
GPUS=$2
shift 2

TOOLS=$(cd "$(dirname "$0")" && pwd)
export PYTHONPATH="$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}"

# PYTHON selects the interpreter and with it the launcher, else the clone's
# own environment does.
if [ -z "${PYTHON:-}" ] && [ -x "$TOOLS/../.venv/bin/python" ]; then
    PYTHON=$TOOLS/../.venv/bin/python
fi
if [ -z "${PYTHON:-}" ] && command -v torchrun >/dev/null; then
    LAUNCH=(torchrun)
else
    LAUNCH=("${PYTHON:-python}" -m torch.distributed.run)
fi

exec "${LAUNCH[@]}" \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$GPUS" \
    "$TOOLS/train.py" "$CONFIG" --launcher pytorch "$@"
