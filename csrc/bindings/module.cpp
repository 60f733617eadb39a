// Registers one noun after the other, and nothing else.
#include <pybind11/pybind11.h>

#include "parallel.hpp"

namespace py = pybind11;

namespace nnae::bindings {
void bind_cooccurrence(py::module_ &module);
void bind_cpu(py::module_ &module);
void bind_curveball(py::module_ &module);
void bind_dense(py::module_ &module);
void bind_label_tree(py::module_ &module);
void bind_linear_dual(py::module_ &module);
void bind_listed_cells(py::module_ &module);
void bind_normal_equations(py::module_ &module);
void bind_topk(py::module_ &module);
void bind_updates(py::module_ &module);
}  // namespace nnae::bindings

PYBIND11_MODULE(NNAE_MODULE, module) {
    using namespace nnae::bindings;
    nnae::max_threads();  // remembers this process, so that a forked child knows itself
    bind_cooccurrence(module);
    bind_cpu(module);
    bind_curveball(module);
    bind_dense(module);
    bind_label_tree(module);
    bind_linear_dual(module);
    bind_listed_cells(module);
    bind_normal_equations(module);
    bind_topk(module);
    bind_updates(module);
}
