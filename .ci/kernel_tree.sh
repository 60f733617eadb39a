# Sourced by the sanitisers' scripts: a tree of the package and its tests with kernels built by flags
# of the caller's, far from any installed copy. Sets top, python, work and suffix; `build_kernels
# FLAG...` compiles. Needs g++ and a Python with numpy, scipy, scikit-learn, pandas, pybind11 (fetched
# where it is missing), pytest and hypothesis. PYTHON names another interpreter.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-$(command -v python || command -v python3)}
work=$(mktemp -d "${TMPDIR:-/tmp}/nnae-kernels.XXXXXX")
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

# build_kernels FLAG...: two units, as in setup.py, since every file alone pays for pybind11's headers
build_kernels() {
  local begin=$SECONDS number=0 source pids=() pid
  for source in "$top"/csrc/bindings/*.cpp; do
    echo "#include \"bindings/$(basename "$source")\"" >> "$work/unit_$((number % 2)).cpp"
    number=$((number + 1))
  done
  for number in 0 1; do
    # the widest vectors of this machine: their loads and stores have the longest tails
    g++ -std=c++17 -O1 -g1 -fPIC -fvisibility=hidden -march=native -DNNAE_MODULE=baseline "$@" \
      -I"$top/csrc" -isystem "$headers" -isystem "$python_headers" \
      -c "$work/unit_$number.cpp" -o "$work/unit_$number.o" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  g++ "$@" -shared "$work"/unit_?.o -o "$work/tree/nnae/_core/baseline$suffix"
  echo "compiled in $((SECONDS - begin)) s"
}
