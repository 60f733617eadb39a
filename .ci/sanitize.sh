#!/usr/bin/env bash
# Runs the kernel tests on kernels that check every address, every shift and every container index.
# Exits non-zero on any finding; .ci/kernel_tree.sh says what it needs.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/kernel_tree.sh"

build_kernels -fopenmp -fsanitize=address,undefined -fno-sanitize-recover=all \
  -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS

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
for noun in gemm copy_rows elementary sparse_ops objective multiplicative coordinate_descent cooccurrence \
  curveball topk linear_encoder linear_dual label_tree normal_equations ridge tree neighbors; do
  [ ! -f "tests/test_$noun.py" ] || tests+=("tests/test_$noun.py")
done
workers=()
"$python" -c 'import xdist' 2>/dev/null && workers=(-n auto --dist loadfile)
"$python" -m pytest -q -p no:cacheprovider -x "${workers[@]}" "${tests[@]}"
echo "kernel tests took $((SECONDS - begin)) s"
