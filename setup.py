"""Compile csrc/ once for each instruction set that is worth having.

Metadata live in pyproject.toml. On x86-64 Linux the kernels are built twice, for any processor
(baseline) and in the widest of AVX2 and AVX-512 that this machine has, and nnae/_core picks one
when it is imported: no function is shared between them, so no instruction that a processor lacks
can be reached. NNAE_PORTABLE=1 builds all three, for wheels that others install; NNAE_NATIVE=1
builds one copy for this machine alone.

The sources are compiled in two units that include them: apart, each of them would compile
pybind11's part anew, and that is most of the work.
"""

import os
import platform
import sys
import tempfile
from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension, build_ext
from setuptools import setup

SOURCES = sorted(path.name for path in Path("csrc/bindings").glob("*.cpp"))
HEADERS = sorted(str(path) for path in Path("csrc").rglob("*.hpp"))
VARIANTS = {"baseline": [], "avx2": ["-march=x86-64-v3"], "avx512": ["-march=x86-64-v4"]}


def variants() -> dict[str, list[str]]:
    if sys.platform == "win32":
        return {"baseline": []}
    if os.environ.get("NNAE_NATIVE"):
        return {"baseline": ["-march=native"]}
    if platform.machine().lower() in {"x86_64", "amd64"} and sys.platform == "linux":
        names = VARIANTS if os.environ.get("NNAE_PORTABLE") else ("baseline", *widest())
        return {name: VARIANTS[name] for name in names}
    return {"baseline": []}


def widest() -> list[str]:
    """Return the widest variant that this processor runs, by the rule of bind_cpu.cpp."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    flags = {flag for line in lines if line.startswith("flags") for flag in line.split()}
    if not flags >= {"avx2", "fma", "bmi1", "bmi2"}:
        return []
    wide = {f"avx512{part}" for part in ("f", "bw", "cd", "dq", "vl")}
    return ["avx512" if flags >= wide else "avx2"]


class BuildKernels(build_ext):
    """Builds every variant in a folder of its own, with OpenMP where the compiler has it."""

    def build_extensions(self) -> None:
        flags = self.openmp_flags()
        if not flags:
            print("nnae: this compiler has no OpenMP; the kernels are built single-threaded")
        for extension in self.extensions:
            extension.extra_compile_args += flags
            extension.extra_link_args += flags
        super().build_extensions()

    def build_extension(self, extension: Pybind11Extension) -> None:
        shared = self.build_temp
        self.build_temp = str(Path(shared) / extension.name)
        extension.sources = [*write_units(Path(self.build_temp)), *extension.sources]
        try:
            super().build_extension(extension)
        finally:
            self.build_temp = shared

    def openmp_flags(self) -> list[str]:
        candidates = [["/openmp"]] if sys.platform == "win32" else [["-fopenmp"]]
        for flags in candidates:
            with tempfile.TemporaryDirectory() as folder:
                source = Path(folder) / "probe.cpp"
                source.write_text(
                    "#include <omp.h>\nint main() { return omp_get_max_threads() < 1; }\n"
                )
                try:
                    objects = self.compiler.compile(
                        [str(source)], output_dir=folder, extra_postargs=flags
                    )
                    self.compiler.link_executable(
                        objects, "probe", output_dir=folder, extra_postargs=flags
                    )
                except Exception:  # the compiler's own exception types differ by platform
                    continue
                return flags
        return []


def write_units(folder: Path, count: int = 2) -> list[str]:
    """Write sources that include those of csrc/bindings, shared out in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    units = []
    for number in range(count):
        unit = folder / f"unit_{number}.cpp"
        text = "".join(f'#include "bindings/{name}"\n' for name in SOURCES[number::count])
        if not unit.exists() or unit.read_text() != text:
            unit.write_text(text)
        units.append(str(unit))
    return units


def extension(name: str, flags: list[str]) -> Pybind11Extension:
    if sys.platform == "win32":
        compile_args = ["/O2"]
    else:
        compile_args = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-g0"]
    result = Pybind11Extension(
        f"nnae._core.{name}",
        [],
        include_dirs=["csrc"],
        depends=[*HEADERS, *(f"csrc/bindings/{name}" for name in SOURCES)],
        define_macros=[("NNAE_MODULE", name)],
        cxx_std=17,
    )
    result.extra_compile_args += compile_args + flags
    return result


with ParallelCompile("NNAE_BUILD_JOBS", default=os.cpu_count() or 1):
    setup(
        ext_modules=[extension(name, flags) for name, flags in variants().items()],
        cmdclass={"build_ext": BuildKernels},
    )
