#!/usr/bin/env bash
# All that needs R: builds and checks the R package, runs the tests of nnae.r over rpy2, and renders
# the vignettes. R and its packages come from Debian; the Python environment is one of its own,
# because Debian's reticulate cannot use numpy 2. Ends with a status other than 0 when anything fails,
# and says how long each part took. Settings: NNAE_R_WORK, a folder to keep (default: a new one, that
# is removed), with the pages in its folder pages; NNAE_R_PYTHON, a Python with a shared library
# (default: the first that is found); NNAE_R_WHEEL, a wheel of this tree, that spares compiling where it
# is for that Python.
set -euo pipefail

started=$SECONDS
top=$(cd "$(dirname "$0")/.." && pwd)
if [ -n "${NNAE_R_WORK-}" ]; then
  mkdir -p "$NNAE_R_WORK"
  work=$(cd "$NNAE_R_WORK" && pwd)
else
  work=$(mktemp -d)
fi

trap 'exit 143' INT TERM
finish() {
  status=$?
  [ -z "${beside-}" ] || kill "$beside" 2> /dev/null || true
  [ -n "${NNAE_R_WORK-}" ] || rm -rf "$work"
  if [ "$status" = 0 ]; then verdict=passed; else verdict="failed with status $status"; fi
  echo "r.sh: $verdict after $((SECONDS - started)) s"
}
trap finish EXIT

retry() {
  for pause in 5 20 60; do
    "$@" && return 0
    echo "r.sh: '$1' failed, again in $pause s" >&2
    sleep "$pause"
  done
  "$@"
}

packages=(r-base-dev r-cran-reticulate r-cran-matrix r-cran-testthat r-cran-generics
  r-cran-igraph r-cran-ape r-cran-glmnet r-cran-ranger r-cran-lme4 r-cran-roxygen2 r-cran-lintr
  r-cran-knitr r-cran-rmarkdown pandoc)

install_r() {
  if dpkg -s "${packages[@]}" > "$work/packages.log" 2>&1; then return 0; fi
  local root=()
  [ "$(id -u)" = 0 ] || root=(sudo)
  retry "${root[@]}" apt-get update -qq
  retry "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${packages[@]}" > "$work/apt.log"
}

shared_python() {
  local probe='import sys, sysconfig
sys.exit(not (sysconfig.get_config_var("Py_ENABLE_SHARED") and sys.version_info < (3, 13)))'
  for candidate in ${NNAE_R_PYTHON-} python3 python3.12 python3.11 python3.10 /usr/bin/python3; do
    if command -v "$candidate" > /dev/null && "$candidate" -c "$probe"; then
      command -v "$candidate"
      return 0
    fi
  done
  echo "r.sh: no Python 3.10 to 3.12 with a shared library was found; set NNAE_R_PYTHON" >&2
  return 1
}

make_environment() {
  local python
  python=$(shared_python)
  [ -x "$work/venv/bin/python" ] || "$python" -m venv "$work/venv"
  retry "$work/venv/bin/pip" install -q --disable-pip-version-check \
    "numpy==1.26.4" "pandas<3" "scipy<1.14" "scikit-learn>=1.4" \
    "rpy2>=3.5.17,<3.6" "matplotlib>=3.8" "jinja2>=3.1" "pillow>=10" "scikit-image>=0.22" pytest hypothesis
  if [ -n "${NNAE_R_WHEEL-}" ] &&
    "$work/venv/bin/pip" install -q --disable-pip-version-check --dry-run --no-deps "$NNAE_R_WHEEL"; then
    install_package "$NNAE_R_WHEEL"
    return
  fi
  rm -rf "$work/source"
  mkdir "$work/source"
  (cd "$top" && cp -r pyproject.toml setup.py LICENSE README.md MANIFEST.in csrc nnae tests "$work/source")
  find "$work/source" -name '*.so' -delete
  NNAE_NATIVE=1 install_package "$work/source"
}

# install_package PATH: anew even where its version is there already, and then what it depends on
install_package() {
  local pip=("$work/venv/bin/pip" install -q --disable-pip-version-check)
  retry "${pip[@]}" --force-reinstall --no-deps "$1" && retry "${pip[@]}" "$1" "numpy==1.26.4"
}

# Help pages and NAMESPACE must be those that roxygen writes from the sources.
check_documentation() {
  (cd "$work/package" && Rscript -e 'roxygen2::roxygenise(load_code = "source")' > "$work/roxygen.log" 2>&1)
  if ! diff -r "$top/r_bridge/man" "$work/package/man" ||
    ! diff "$top/r_bridge/NAMESPACE" "$work/package/NAMESPACE"; then
    echo "r.sh: run roxygen2::roxygenise(load_code = \"source\") in r_bridge and commit" >&2
    return 1
  fi
}

check_style() {
  Rscript -e 'found <- lintr::lint_package(commandArgs(TRUE)); print(found); quit(status = length(found) > 0)' \
    "$work/package"
}

check_package() {
  export NOT_CRAN=true NNAE_GOLDEN="$top/tests/golden"
  export _R_CHECK_FORCE_SUGGESTS_=false _R_CHECK_SYSTEM_CLOCK_=0 _R_CHECK_CRAN_INCOMING_=false
  cd "$work"
  rm -f nnae_*.tar.gz
  R CMD build package
  R CMD check --no-manual nnae_*.tar.gz
  grep -q '^Status: OK' nnae.Rcheck/00check.log
  grep "^\[ FAIL" nnae.Rcheck/tests/testthat.Rout
  if ! grep -q '^\[ FAIL 0 | WARN 0 | SKIP 0 ' nnae.Rcheck/tests/testthat.Rout; then
    echo "r.sh: tests were skipped or warned; see above" >&2
    return 1
  fi
}

# A test that is skipped here would be skipped everywhere.
check_rpy2() {
  cd "$top"
  # not python -m pytest: that would import the sources, which have no kernels
  "$work/venv/bin/pytest" -q -rs -p no:cacheprovider tests/test_r.py tests/test_r_parity.py \
    > "$work/rpy2.log" || { cat "$work/rpy2.log"; return 1; }
  tail -1 "$work/rpy2.log"
  if grep -q skipped "$work/rpy2.log"; then
    echo "r.sh: tests of nnae.r were skipped" >&2
    return 1
  fi
}

install_library() {
  mkdir -p "$work/library" "$work/pages"
  R CMD INSTALL --no-docs --no-test-load -l "$work/library" "$work/package" > "$work/install.log" 2>&1 ||
    { cat "$work/install.log"; return 1; }
}

render_help() {
  export R_LIBS="$work/library" # the pages name the package's version
  Rscript -e '
    options(warn = 2)
    pages <- list.files(commandArgs(TRUE)[1], "[.]Rd$", full.names = TRUE)
    for (page in pages) {
      name <- sub("[.]Rd$", ".html", basename(page))
      tools::Rd2HTML(page, file.path(commandArgs(TRUE)[2], name), package = "nnae")
    }
    file.copy(file.path(R.home("doc"), "html", "R.css"), commandArgs(TRUE)[2])
    cat("r.sh:", length(pages), "help pages\n")
  ' "$top/r_bridge/man" "$work/pages"
}

# render_page PAGE FOLDER: every chunk is evaluated; one that fails stops the page
render_page() {
  local start=$SECONDS
  Rscript -e 'rmarkdown::render(commandArgs(TRUE)[1], output_dir = commandArgs(TRUE)[2], quiet = TRUE)' \
    "$1" "$2"
  echo "r.sh: $1 took $((SECONDS - start)) s"
}

# Two pages at a time, each on one thread, those that take longest first.
render_vignettes() {
  export R_LIBS="$work/library" MPLBACKEND=Agg OMP_NUM_THREADS=1
  export PATH="$work/venv/bin:$PATH"
  NNAE_PACKAGE=$(echo "$work"/nnae_*.tar.gz) # getting_started installs it once more, as a user does
  export NNAE_PACKAGE
  rm -rf "$work/vignettes"
  cp -r "$top/vignettes" "$work/vignettes"
  cd "$work/vignettes"
  export -f render_page
  wc -c *.Rmd | sort -rn | sed -n 's/.* \(.*[.]Rmd\)$/\1/p' |
    xargs -P 2 -I PAGE bash -euc 'render_page PAGE "$0"' "$work/pages"
}

# part COMMAND: runs one part and says how long it took
part() {
  local start=$SECONDS
  "$@"
  echo "r.sh: $1 took $((SECONDS - start)) s"
}

if [ -z "${NNAE_DATA:-}" ] && [ -d "$top/../shared/data" ]; then
  NNAE_DATA=$(cd "$top/../shared/data" && pwd)
  export NNAE_DATA
fi
part install_r
part make_environment
rm -rf "$work/package"
cp -r "$top/r_bridge" "$work/package"
export RETICULATE_PYTHON="$work/venv/bin/python"
part check_documentation
part install_library
# R CMD check keeps one core busy, the rest the other.
(
  part check_style
  part check_rpy2
  part render_help
) > "$work/beside.log" 2>&1 &
beside=$!
part check_package
wait "$beside" || failed=$?
cat "$work/beside.log"
beside=
[ -z "${failed-}" ] || exit "$failed"
part render_vignettes
