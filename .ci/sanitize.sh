#!/usr/bin/env bash
# Runs the kernel tests on kernels that check every address, every shift and every container index.
# Exits non-zero on any finding. Needs g++ and a Python with numpy, scipy, scikit-learn, pandas,
# pybind11 (fetched where it is missing), pytest and hypothesis. PYTHON names another interpreter.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-$(command -v python || command -v python3)}
work=$(mktemp -d "${TMPDIR:-/tmp}/nnae-sanitize.XXXXXX")
trap 'rm -rf "$work"' EXIT

headers=$("$python" -c 'import pybind11; print(pybind11.get_include())' 2>/dev/null) || {
  "$python" -m pip install -q --target "$work/pybind11" 'pybind11>=2.12'
  headers=$(PYTHONPATH="$work/pybind11" "$python" -c 'import pybind11; print(pybind11.get_include())')
}
python_headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
suffix=$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')

# The package without its kernels, and its tests, far from any installed copy.
mkdir "$work/tree"
cp -r "$top/nnae" "$top/tests" "$top/pyproject.toml" "$work/tree"
find "$work/tree/nnae/_core" -name '*.so' -delete

# The widest vectors of this machine: their loads and stores have the longest tails.
flags=(-std=c++17 -O1 -g1 -fPIC -fvisibility=hidden -fopenmp -march=native
  -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
  -D_GLIBCXX_ASSERTIONS -DNNAE_MODULE=baseline
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
echo "compiled in $((SECONDS - begin)) s"

# Leaks are the interpreter's own.
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=0:exitcode=99
export UBSAN_OPTIONS=print_stacktrace=1
export LD_PRELOAD
LD_PRELOAD="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libubsan.so) $(g++ -print-file-name=libstdc++.so.6)"
export PYTHONMALLOC=malloc  # so that objects of the interpreter have guarded ends too
export NNAE_CPU=baseline OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH="$work/tree"
cd "$work/tree"

# A sanitiser that is not at work would find nothing: this read past the end must be refused.
if "$python" -c 'import ctypes; b = (ctypes.c_char * 8)(); ctypes.string_at(ctypes.addressof(b), 1 << 20)' \
  >/dev/null 2>&1; then
  echo "the address sanitiser is not at work" >&2
  exit 1
fi
"$python" -c 'import nnae._core as core; assert core.__file__.startswith("'"$work"'"), core.__file__'

begin=$SECONDS
tests=()
for noun in gemm elementary sparse_ops objective multiplicative coordinate_descent cooccurrence \
  curveball topk linear_encoder linear_dual label_tree normal_equations ridge tree neighbors; do
  [ ! -f "tests/test_$noun.py" ] || tests+=("tests/test_$noun.py")
done
"$python" -m pytest -q -p no:cacheprovider -x "${tests[@]}"
echo "kernel tests took $((SECONDS - begin)) s"
