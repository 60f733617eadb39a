// Many linear classifiers by dual coordinate descent.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "arrays.hpp"
#include "linear_dual.hpp"

namespace nnae::bindings::of_linear_dual {

namespace {

using Places = Array<std::int64_t>;

// Rows of every part rise strictly, and lie in [0, n).
void check_parts(const Places &indptr, const Places &rows, std::int64_t n) {
    const Csr<float, std::int64_t> parts = csr<float, std::int64_t>(indptr, rows, {}, n);
    bool rising = true;
    for (std::int64_t p = 0; p < parts.rows; ++p)
        for (std::int64_t at = parts.begin(p) + 1; at < parts.end(p); ++at)
            rising &= parts.indices[at - 1] < parts.indices[at];
    require(rising, "rows of a group or problem must rise");
}

template <typename T>
py::tuple joined(const std::vector<DualPanel<T>> &panels, std::int64_t n_problems) {
    std::int64_t total = 0;
    for (const auto &panel : panels) total += static_cast<std::int64_t>(panel.indices.size());
    Array<std::int64_t> indptr(n_problems + 1), indices(total);
    Array<float> values(total), biases(n_problems);
    std::int64_t *p = indptr.mutable_data(), *j = indices.mutable_data();
    float *v = values.mutable_data(), *b = biases.mutable_data();
    *p = 0;
    for (const auto &panel : panels) {
        for (const std::int64_t size : panel.sizes) p[1] = p[0] + size, ++p;
        j = std::copy(panel.indices.begin(), panel.indices.end(), j);
        for (const T value : panel.values) *v++ = static_cast<float>(value);
        for (const T value : panel.biases) *b++ = static_cast<float>(value);
    }
    return py::make_tuple(indptr, indices, values, biases);
}

template <typename T, typename I>
py::tuple train(const Array<I> &indptr, const Array<I> &indices, const Array<T> &values,
                std::int64_t cols, const std::optional<Array<double>> &weights,
                const Places &group_indptr, const Places &group_rows, const Places &problem_group,
                const Places &positive_indptr, const Places &positive_rows, const std::string &loss,
                double penalty, double bias, double tolerance, double threshold,
                std::int64_t max_epochs, std::uint64_t seed, int n_threads) {
    const Csr<T, I> X = csr<T, I>(indptr, indices, values, cols);
    check_parts(group_indptr, group_rows, X.rows);
    check_parts(positive_indptr, positive_rows, X.rows);
    require(!weights || weights->size() == X.rows, "weights must have one entry a row");
    require(problem_group.ndim() == 1 && positive_indptr.size() == problem_group.size() + 1,
            "positives must be given for every problem");
    const std::int64_t n_problems = problem_group.size();
    for (std::int64_t p = 0; p < n_problems; ++p)
        require(problem_group.data()[p] >= 0 && problem_group.data()[p] + 1 < group_indptr.size(),
                "every problem must have a group");
    require(n_threads >= 1, "n_threads must be at least 1");
    require(penalty > 0, "penalty must be above 0");
    const bool logistic = loss == "logistic";
    require(logistic || loss == "squared_hinge", "loss must be squared_hinge or logistic");
    const DualProblems problems{group_indptr.data(),    group_rows.data(),    problem_group.data(),
                                positive_indptr.data(), positive_rows.data(), n_problems};
    const DualOptions options{penalty, bias, tolerance, threshold, max_epochs, seed};
    const double *costs = weights ? weights->data() : nullptr;
    std::vector<DualPanel<T>> panels;
    {
        py::gil_scoped_release release;
        if (logistic)
            linear_dual<Logistic>(X, costs, problems, options, n_threads, panels);
        else
            linear_dual<SquaredHinge>(X, costs, problems, options, n_threads, panels);
    }
    return joined(panels, n_problems);
}

template <typename T, typename I>
void bind(py::module_ &module) {
    module.def("linear_dual", &train<T, I>, py::arg("indptr").noconvert(),
               py::arg("indices").noconvert(), py::arg("values").noconvert(), py::arg("cols"),
               py::arg("weights").noconvert(), py::arg("group_indptr").noconvert(),
               py::arg("group_rows").noconvert(), py::arg("problem_group").noconvert(),
               py::arg("positive_indptr").noconvert(), py::arg("positive_rows").noconvert(),
               py::arg("loss"), py::arg("penalty"), py::arg("bias"), py::arg("tolerance"),
               py::arg("threshold"), py::arg("max_epochs"), py::arg("seed"), py::arg("n_threads"),
               "Weights of linear classifiers (problems by features), and their biases.");
}

}  // namespace

}  // namespace nnae::bindings::of_linear_dual

namespace nnae::bindings {

void bind_linear_dual(py::module_ &module) {
    using namespace of_linear_dual;
    module.attr("dual_lanes") = detail::kLanes;
    bind<float, std::int32_t>(module);
    bind<float, std::int64_t>(module);
    bind<double, std::int32_t>(module);
    bind<double, std::int64_t>(module);
}

}  // namespace nnae::bindings
