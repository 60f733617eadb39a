// Counts of labels that occur together, of cooccurrence.hpp.
#include "arrays.hpp"
#include "cooccurrence.hpp"

namespace nnae::bindings::of_cooccurrence {

template <typename T, typename I>
py::tuple count(const Array<I> &indptr, const Array<I> &indices,
                const std::optional<Array<T>> &values, const Array<I> &t_indptr,
                const Array<I> &t_indices, const std::optional<Array<T>> &t_values, int n_threads) {
    const std::int64_t labels = t_indptr.size() - 1;
    const auto Y = csr<T, I>(indptr, indices, values, labels);
    const auto columns = csr<T, I>(t_indptr, t_indices, t_values, Y.rows);
    require(Y.nnz() == columns.nnz(), "Y and its transpose must have equally many entries");
    Array<std::int64_t> starts(labels + 1);
    std::int64_t *p = starts.mutable_data();
    p[0] = 0;
    {
        py::gil_scoped_release free;
        cooccurrence_sizes<T, I>(Y, columns, n_threads, p + 1);
        for (std::int64_t j = 0; j < labels; ++j) p[j + 1] += p[j];
    }
    Array<std::int64_t> targets(p[labels]);
    Array<T> counts(p[labels]);
    std::int64_t *at = targets.mutable_data();
    T *c = counts.mutable_data();
    {
        py::gil_scoped_release free;
        cooccurrence_fill<T, I>(Y, columns, n_threads, p, at, c);
    }
    return py::make_tuple(starts, targets, counts);
}

template <typename T, typename I>
void bind_count(py::module_ &module) {
    using py::arg;
    module.def("cooccurrence", &count<T, I>, arg("indptr").noconvert(), arg("indices").noconvert(),
               arg("values").noconvert().none(true), arg("t_indptr").noconvert(),
               arg("t_indices").noconvert(), arg("t_values").noconvert().none(true),
               arg("n_threads"));
}

// Where neither side has values nothing tells the type: counts are then double, registered first.
}  // namespace nnae::bindings::of_cooccurrence

namespace nnae::bindings {

void bind_cooccurrence(py::module_ &module) {
    using namespace of_cooccurrence;
    bind_count<double, std::int32_t>(module);
    bind_count<double, std::int64_t>(module);
    bind_count<float, std::int32_t>(module);
    bind_count<float, std::int64_t>(module);
}

}  // namespace nnae::bindings
