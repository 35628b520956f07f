#!/usr/bin/env bash
# Copyright (c) aemim_mm contributors. All rights reserved.
# Usage: [GPUS=8] [GPUS_PER_NODE=8] [CPUS_PER_TASK=5] [SRUN_ARGS=...]
#        [PORT=29500] [PYTHON=...] tools/slurm_train.sh PARTITION JOB_NAME \
#        CONFIG WORK_DIR [options of train.py]
set -euo pipefail

if [ $# -lt 4 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG WORK_DIR" \
        "[options of train.py]" >&2
    exit 2
fi
TOOLS=$(cd "$(dirname "$0")" && pwd)
source "$TOOLS/_torchrun.sh"
AEMIM_COMMAND=$(command_line GPUS GPUS_PER_NODE CPUS_PER_TASK SRUN_ARGS PORT \
    PYTHON -- "$0" "$@")
export AEMIM_COMMAND
PARTITION=$1
JOB_NAME=$2
CONFIG=$3
WORK_DIR=$4
shift 4

GPUS=${GPUS:-8}
GPUS_PER_NODE=${GPUS_PER_NODE:-8}
# A job smaller than a node asks for no more tasks than it has.
if [ "$GPUS" -lt "$GPUS_PER_NODE" ]; then
    GPUS_PER_NODE=$GPUS
fi
# Several options in one variable: split at white space.
read -r -a EXTRA <<<"${SRUN_ARGS:-}"

export PYTHONPATH="$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}"

# PYTHON selects the interpreter, else the clone's own environment does.
if [ -z "${PYTHON:-}" ] && [ -x "$TOOLS/../.venv/bin/python" ]; then
    PYTHON=$TOOLS/../.venv/bin/python
fi
# mmengine reads the port from here, unless env_cfg.dist_cfg names one.
if [ -n "${PORT:-}" ]; then
    export MASTER_PORT=$PORT
fi

exec srun -p "$PARTITION" \
    --job-name="$JOB_NAME" \
    --gres="gpu:$GPUS_PER_NODE" \
    --ntasks="$GPUS" \
    --ntasks-per-node="$GPUS_PER_NODE" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${EXTRA[@]+"${EXTRA[@]}"} \
    "${PYTHON:-python}" -u "$TOOLS/train.py" "$CONFIG" \
    --work-dir="$WORK_DIR" --launcher=slurm "$@"
