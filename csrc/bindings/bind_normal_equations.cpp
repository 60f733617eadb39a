// Normal equations of a ridge on centred sparse features.
#include <vector>

#include "arrays.hpp"
#include "normal_equations.hpp"

namespace nnae::bindings::of_normal_equations {

template <typename T, typename I>
Centred<T, I> centred(const Array<I> &indptr, const Array<I> &indices, const Array<T> &values,
                      const Array<T> &roots, const Array<T> &mean) {
    const auto X = csr<T, I>(indptr, indices, std::optional<Array<T>>(values), mean.size());
    require(roots.ndim() == 1 && roots.size() == X.rows, "roots must have one entry a row");
    require(mean.ndim() == 1, "mean must have one entry a column");
    return {X, roots.data(), mean.data()};
}

template <typename T>
std::int64_t panels_of(const Array<T> &array, std::int64_t d) {
    require(array.ndim() == 3 && array.shape(1) == d && array.shape(2) == panel_columns<T>,
            "panels must be p x d x 128 bytes");
    return array.shape(0);
}

template <typename T, typename I>
void product_of_panels(const Array<I> &indptr, const Array<I> &indices, const Array<T> &values,
                       const Array<T> &roots, const Array<T> &mean, const Array<T> &p,
                       Array<T> &out, int n_threads) {
    const auto A = centred<T, I>(indptr, indices, values, roots, mean);
    const std::int64_t panels = panels_of(p, A.X.cols);
    require(panels_of(out, A.X.cols) == panels, "out must have the shape of p");
    T *to = out.mutable_data();
    py::gil_scoped_release free;
    normal_product<T, I>(A, p.data(), panels, n_threads, to);
}

template <typename T, typename I>
std::int64_t descend(const Array<I> &indptr, const Array<I> &indices, const Array<T> &values,
                     const Array<T> &roots, const Array<T> &mean, const Array<double> &diagonal,
                     const Array<double> &penalty, const Array<double> &goal, Array<T> &solution,
                     Array<T> &residual, Array<T> &direction, Array<double> &energy,
                     std::int64_t steps, int n_threads) {
    const auto A = centred<T, I>(indptr, indices, values, roots, mean);
    const std::int64_t panels = panels_of(solution, A.X.cols);
    require(panels_of(residual, A.X.cols) == panels && panels_of(direction, A.X.cols) == panels,
            "solution, residual and direction must have one shape");
    const std::int64_t columns = panels * panel_columns<T>;
    require(penalty.size() == columns && goal.size() == columns && energy.size() == columns,
            "penalty, goal and energy must have one entry a column");
    require(diagonal.size() == A.X.cols, "diagonal must have one entry a feature");
    require(n_threads >= 1, "n_threads must be at least 1");
    const Descent<T> state{solution.mutable_data(),  residual.mutable_data(),
                           direction.mutable_data(), energy.mutable_data(),
                           penalty.data(),           goal.data(),
                           diagonal.data(),          panels};
    std::vector<T> scratch(static_cast<std::size_t>(n_threads * A.X.cols * panel_columns<T>));
    std::vector<std::int64_t> taken(static_cast<std::size_t>(panels));
    py::gil_scoped_release free;
    conjugate_descent<T, I>(A, state, steps, n_threads, scratch.data(), taken.data());
    return panels ? *std::max_element(taken.begin(), taken.end()) : 0;
}

template <typename T, typename I>
void bind_panels(py::module_ &module) {
    using py::arg;
    module.def("normal_product", &product_of_panels<T, I>, arg("indptr").noconvert(),
               arg("indices").noconvert(), arg("values").noconvert(), arg("roots").noconvert(),
               arg("mean").noconvert(), arg("p").noconvert(), arg("out").noconvert(),
               arg("n_threads"));
    module.def("conjugate_descent", &descend<T, I>, arg("indptr").noconvert(),
               arg("indices").noconvert(), arg("values").noconvert(), arg("roots").noconvert(),
               arg("mean").noconvert(), arg("diagonal").noconvert(), arg("penalty").noconvert(),
               arg("goal").noconvert(), arg("solution").noconvert(), arg("residual").noconvert(),
               arg("direction").noconvert(), arg("energy").noconvert(), arg("steps"),
               arg("n_threads"));
}

}  // namespace nnae::bindings::of_normal_equations

namespace nnae::bindings {

void bind_normal_equations(py::module_ &module) {
    using namespace of_normal_equations;
    bind_panels<float, std::int32_t>(module);
    bind_panels<float, std::int64_t>(module);
    bind_panels<double, std::int32_t>(module);
    bind_panels<double, std::int64_t>(module);
}

}  // namespace nnae::bindings
