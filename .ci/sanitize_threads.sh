#!/usr/bin/env bash
# Runs the kernel tests under the thread sanitiser; exits non-zero when two threads meet at one place.
# The kernels are compiled with threads of the standard library (NNAE_STD_THREADS in
# csrc/parallel.hpp): the same chunks and bodies, without OpenMP, whose barriers the sanitiser does
# not see. Needs g++ and a Python with numpy, scipy, scikit-learn, pandas, pybind11 (fetched where it
# is missing), pytest and hypothesis. PYTHON names another interpreter.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-$(command -v python || command -v python3)}
work=$(mktemp -d "${TMPDIR:-/tmp}/nnae-threads.XXXXXX")
trap 'rm -rf "$work"' EXIT

headers=$("$python" -c 'import pybind11; print(pybind11.get_include())' 2>/dev/null) || {
  "$python" -m pip install -q --target "$work/pybind11" 'pybind11>=2.12'
  headers=$(PYTHONPATH="$work/pybind11" "$python" -c 'import pybind11; print(pybind11.get_include())')
}
python_headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
suffix=$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')

mkdir "$work/tree"
cp -r "$top/nnae" "$top/tests" "$top/pyproject.toml" "$work/tree"
find "$work/tree/nnae/_core" -name '*.so' -delete

flags=(-std=c++17 -O1 -g1 -fPIC -fvisibility=hidden -march=native -fsanitize=thread
  -DNNAE_STD_THREADS -DNNAE_MODULE=baseline -Wno-unknown-pragmas
  -I"$top/csrc" -isystem "$headers" -isystem "$python_headers")
begin=$SECONDS
compile() { g++ "${flags[@]}" -c "$1" -o "$work/$(basename "$1" .cpp).o"; }
running=0
for source in "$top"/csrc/bindings/*.cpp; do
  compile "$source" &
  running=$((running + 1))
  [ "$running" -lt "$(nproc)" ] || { wait -n; running=$((running - 1)); }
done
while [ "$running" -gt 0 ]; do
  wait -n
  running=$((running - 1))
done
g++ "${flags[@]}" -shared "$work"/*.o -o "$work/tree/nnae/_core/baseline$suffix"

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
echo "compiled in $((SECONDS - begin)) s"

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
for noun in gemm elementary sparse_ops objective multiplicative coordinate_descent cooccurrence \
  topk linear_encoder label_tree normal_equations; do
  [ ! -f "tests/test_$noun.py" ] || tests+=("tests/test_$noun.py")
done
run -m pytest -q -p no:cacheprovider -x "${tests[@]}"
echo "kernel tests took $((SECONDS - begin)) s"
