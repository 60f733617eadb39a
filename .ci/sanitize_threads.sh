#!/usr/bin/env bash
# Runs the kernel tests under the thread sanitiser; exits non-zero when two threads meet at one place.
# The kernels are compiled with threads of the standard library (NNAE_STD_THREADS in
# csrc/parallel.hpp): the same chunks and bodies, without OpenMP, whose barriers the sanitiser does
# not see. .ci/kernel_tree.sh says what it needs.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/kernel_tree.sh"

build_kernels -fsanitize=thread -DNNAE_STD_THREADS -Wno-unknown-pragmas

# a race on purpose, to see the sanitiser at work in this very setting
cat >"$work/race.cpp" <<'CPP'
#include <thread>
extern "C" long race() {
    long shared = 0;
    std::thread other([&] { for (int i = 0; i < 100000; ++i) shared = shared + 1; });
    for (int i = 0; i < 100000; ++i) shared = shared + 1;
    other.join();
    return shared;
}
CPP
g++ -O1 -g1 -fPIC -shared -fsanitize=thread "$work/race.cpp" -o "$work/race.so"

export TSAN_OPTIONS="exitcode=99 halt_on_error=0 history_size=4"
export NNAE_CPU=baseline OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH="$work/tree"
cd "$work/tree"
# addresses at random are more than the sanitiser of some releases can map
run() { LD_PRELOAD="$(g++ -print-file-name=libtsan.so)" setarch -R "$python" "$@"; }

if run -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1]).race()' "$work/race.so" >/dev/null 2>&1; then
  echo "the thread sanitiser is not at work" >&2
  exit 1
fi
run -c 'import nnae._core as core; assert core.__file__.startswith("'"$work"'"), core.__file__'

begin=$SECONDS
tests=()
for noun in gemm copy_rows elementary sparse_ops objective multiplicative coordinate_descent cooccurrence \
  topk linear_encoder label_tree normal_equations; do
  [ ! -f "tests/test_$noun.py" ] || tests+=("tests/test_$noun.py")
done
run -m pytest -q -p no:cacheprovider -x "${tests[@]}"
echo "kernel tests took $((SECONDS - begin)) s"
