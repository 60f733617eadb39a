// What this processor can run, and with how many threads.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "parallel.hpp"

namespace py = pybind11;

namespace nnae::bindings::of_cpu {

std::vector<std::string> supported_variants() {
    std::vector<std::string> names{"baseline"};
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (avx2) names.push_back("avx2");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        names.push_back("avx512");
#endif
    return names;
}

}  // namespace nnae::bindings::of_cpu

namespace nnae::bindings {

void bind_cpu(py::module_ &module) {
    using namespace of_cpu;
    module.def("supported_variants", &supported_variants,
               "Instruction sets of this processor for which kernels may have been built.");
    module.def("max_threads", &nnae::max_threads, "Threads that OpenMP would use by default.");
}

}  // namespace nnae::bindings
