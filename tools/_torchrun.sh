# Copyright (c) aemim_mm contributors. All rights reserved.
# Sourced by dist_train.sh, dist_test.sh and slurm_train.sh.
# Usage: run_distributed PROCESSES SCRIPT [arguments]

# Whether something listens on a port of this machine.
is_busy() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# The line that was typed, for the message of a run that is interrupted:
# command_line [names of variables] -- [words]
command_line() {
    while [ "$1" != -- ]; do
        if [ -n "${!1:-}" ]; then
            printf '%s=%q ' "$1" "${!1}"
        fi
        shift
    done
    shift
    printf '%q ' "$@"
}

run_distributed() {
    local processes=$1
    shift
    # PYTHON selects the interpreter and with it the launcher, else the
    # clone's own environment does.
    if [ -z "${PYTHON:-}" ] && [ -x "$TOOLS/../.venv/bin/python" ]; then
        PYTHON=$TOOLS/../.venv/bin/python
    fi

    # Alone on its machine a run needs no port that others know.
    local where=(--standalone --local-addr=127.0.0.1)
    if [ -n "${PORT:-}" ] || [ "${NNODES:-1}" -gt 1 ]; then
        PORT=${PORT:-29500}
        if [ "${NODE_RANK:-0}" = 0 ] && is_busy "$PORT"; then
            echo "error: PORT=$PORT is busy: another run on this machine" \
                "uses it. Choose another PORT (the same on every node)," \
                "or none on a single node: a free one is then found." >&2
            exit 2
        fi
        where=(
            --nnodes="${NNODES:-1}"
            --node_rank="${NODE_RANK:-0}"
            --master_addr="${MASTER_ADDR:-127.0.0.1}"
            --master_port="$PORT"
        )
    fi
    # A scheduler's signal to all processes is for those that train: see
    # InterruptHook. The launcher would die of it.
    trap '' USR1 USR2
    exec "${PYTHON:-python}" "$TOOLS/_torchrun.py" "${where[@]}" \
        --nproc_per_node="$processes" "$@"
}
