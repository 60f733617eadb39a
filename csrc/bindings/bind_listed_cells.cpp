// The Frobenius loss of some cells only: listed_cells.hpp.
#include "arrays.hpp"
#include "listed_cells.hpp"

namespace nnae::bindings::of_listed_cells {

template <typename T>
using Values = std::optional<Array<T>>;

template <typename T, typename I>
void step(const Array<I> &indptr, const Array<I> &indices, const Values<T> &values,
          const Array<I> &s_indptr, const Array<I> &s_indices, const Values<T> &s_values,
          const Array<T> &h, const Array<double> &gram, Array<T> &f, double share, double l1,
          double l2, int repeats, double tolerance, int n_threads) {
    const auto F = mutable_matrix(f);
    const auto H = matrix(h);
    const auto P = csr<T, I>(indptr, indices, values, H.rows);
    const auto S = csr<T, I>(s_indptr, s_indices, s_values, H.rows);
    require(P.rows == F.rows && S.rows == F.rows, "the factor must have one row for each row");
    require(H.cols == F.cols, "both factors must have the same number of columns");
    ListedOptions<T> options{};
    options.gram = matrix(gram);
    require(options.gram.rows == F.cols && options.gram.cols == F.cols, "the Gram must be k x k");
    options.share = share, options.l1 = l1, options.l2 = l2;
    options.repeats = repeats, options.tolerance = tolerance, options.n_threads = n_threads;
    py::gil_scoped_release free;
    listed_step(P, S, H, options, F);
}

template <typename T, typename I>
void product(const Array<I> &indptr, const Array<I> &indices, const Values<T> &values,
             const Array<T> &f, const Array<T> &h, double share, Array<double> &out,
             int n_threads) {
    const auto F = matrix(f);
    const auto H = matrix(h);
    const auto S = csr<T, I>(indptr, indices, values, H.rows);
    const auto N = mutable_matrix(out);
    require(S.rows == F.rows && H.cols == F.cols, "the factors must fit the listed cells");
    require(N.rows == F.rows && N.cols == F.cols, "the output must have the shape of the factor");
    py::gil_scoped_release free;
    listed_product(S, F, H, share, n_threads, N);
}

template <typename T, typename I>
void sums(const Array<I> &indptr, const Array<I> &indices, const Values<double> &values,
          const Array<T> &h, double share, Array<double> &out, int n_threads) {
    const auto H = matrix(h);
    const auto S = csr<double, I>(indptr, indices, values, H.rows);
    const auto N = mutable_matrix(out);
    require(N.rows == S.rows && N.cols == H.cols, "the output must fit the listed cells");
    py::gil_scoped_release free;
    listed_sums(S, H, share, n_threads, N);
}

template <typename T, typename I>
void bind(py::module_ &module) {
    using py::arg;
    module.def("listed_step", &step<T, I>, arg("indptr").noconvert(), arg("indices").noconvert(),
               arg("values").noconvert().none(true), arg("s_indptr").noconvert(),
               arg("s_indices").noconvert(), arg("s_values").noconvert().none(true),
               arg("h").noconvert(), arg("gram").noconvert(), arg("f").noconvert(), arg("share"),
               arg("l1"), arg("l2"), arg("repeats"), arg("tolerance"), arg("n_threads"));
    module.def("listed_product", &product<T, I>, arg("indptr").noconvert(),
               arg("indices").noconvert(), arg("values").noconvert().none(true),
               arg("f").noconvert(), arg("h").noconvert(), arg("share"), arg("out").noconvert(),
               arg("n_threads"));
    module.def("listed_sums", &sums<T, I>, arg("indptr").noconvert(), arg("indices").noconvert(),
               arg("values").noconvert().none(true), arg("h").noconvert(), arg("share"),
               arg("out").noconvert(), arg("n_threads"));
}

}  // namespace nnae::bindings::of_listed_cells

namespace nnae::bindings {

void bind_listed_cells(py::module_ &module) {
    using namespace of_listed_cells;
    bind<float, std::int32_t>(module);
    bind<float, std::int64_t>(module);
    bind<double, std::int32_t>(module);
    bind<double, std::int64_t>(module);
}

}  // namespace nnae::bindings
