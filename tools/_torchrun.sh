# Copyright (c) aemim_mm contributors. All rights reserved.
# Sourced by dist_train.sh and dist_test.sh.
# Usage: run_distributed PROCESSES SCRIPT [arguments]

# Whether something listens on a port of this machine.
is_busy() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

run_distributed() {
    local processes=$1
    shift
    # PYTHON selects the interpreter and with it the launcher, else the
    # clone's own environment does.
    if [ -z "${PYTHON:-}" ] && [ -x "$TOOLS/../.venv/bin/python" ]; then
        PYTHON=$TOOLS/../.venv/bin/python
    fi
    local launch=("${PYTHON:-python}" -m torch.distributed.run)
    if [ -z "${PYTHON:-}" ] && command -v torchrun >/dev/null; then
        launch=(torchrun)
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
    exec "${launch[@]}" "${where[@]}" --nproc_per_node="$processes" "$@"
}
