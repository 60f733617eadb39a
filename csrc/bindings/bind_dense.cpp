// Dense and sparse products of gemm.hpp and sparse_ops.hpp.
#include "arrays.hpp"
#include "copy_rows.hpp"
#include "gemm.hpp"
#include "sparse_ops.hpp"

namespace nnae::bindings::of_dense {

template <typename T>
void product(const Array<T> &a, const Array<T> &b, Array<T> &out, int n_threads) {
    const auto A = matrix(a), B = matrix(b);
    const auto C = mutable_matrix(out);
    require(A.cols == B.rows && C.rows == A.rows && C.cols == B.cols,
            "multiply needs shapes n x p, p x m and n x m");
    py::gil_scoped_release free;
    multiply<T>(A, B, n_threads, C);
}

template <typename T>
void product_transposed(const Array<T> &a, const Array<T> &b, Array<T> &out, int n_threads) {
    const auto A = matrix(a), B = matrix(b);
    const auto C = mutable_matrix(out);
    require(A.rows == B.rows && C.rows == A.cols && C.cols == B.cols,
            "multiply_transposed needs shapes n x k, n x m and k x m");
    py::gil_scoped_release free;
    multiply_transposed<T>(A, B, n_threads, C);
}

template <typename T>
Array<T> gram_of(const Array<T> &a, int n_threads) {
    const auto A = matrix(a);
    Array<T> out({A.cols, A.cols});
    const auto C = mutable_matrix(out);
    {
        py::gil_scoped_release free;
        gram<T>(A, n_threads, C);
    }
    return out;
}

template <typename T, typename I>
void sparse_dense(const Array<I> &indptr, const Array<I> &indices,
                  const std::optional<Array<T>> &values, const Array<T> &h, Array<T> &out,
                  int n_threads) {
    const auto H = matrix(h);
    const auto P = csr<T, I>(indptr, indices, values, H.rows);
    const auto C = mutable_matrix(out);
    require(C.rows == P.rows && C.cols == H.cols, "spmm needs an output of rows x columns of H");
    py::gil_scoped_release free;
    sparse_product<T, I>(P, H, n_threads, C);
}

template <typename T, typename I>
void sparse_sparse(const Array<I> &indptr, const Array<I> &indices,
                   const std::optional<Array<T>> &values, const Array<I> &w_indptr,
                   const Array<I> &w_indices, const std::optional<Array<T>> &w_values,
                   const Array<T> &bias, Array<T> &out, int n_threads) {
    const auto W = csr<T, I>(w_indptr, w_indices, w_values, bias.size());
    const auto P = csr<T, I>(indptr, indices, values, W.rows);
    const auto S = mutable_matrix(out);
    require(S.rows == P.rows && S.cols == W.cols, "out must have the rows of P, the columns of W");
    py::gil_scoped_release free;
    sparse_scores<T, I>(P, W, bias.data(), n_threads, S);
}

template <typename T>
Array<double> sums_of_columns(const Array<T> &h, const std::optional<Array<double>> &weights,
                              int n_threads) {
    const auto H = matrix(h);
    require(!weights || weights->size() == H.rows, "weights must have one entry a row");
    Array<double> out(H.cols);
    double *sums = out.mutable_data();
    const double *w = weights ? weights->data() : nullptr;
    {
        py::gil_scoped_release free;
        column_sums<T>(H, w, n_threads, sums);
    }
    return out;
}

template <typename T>
void copy_of_rows(const Array<T> &source, Array<T> &to, int n_threads) {
    const auto A = matrix(source);
    const auto C = mutable_matrix(to);
    require(A.rows == C.rows && A.cols == C.cols, "a copy must have the shape of what it is of");
    py::gil_scoped_release free;
    copy_rows<T>(A, n_threads, C);
}

template <typename T>
void bind_real(py::module_ &module) {
    using py::arg;
    module.def("copy_rows", &copy_of_rows<T>, arg("source").noconvert(), arg("to").noconvert(),
               arg("n_threads"));
    module.def("multiply", &product<T>, arg("a").noconvert(), arg("b").noconvert(),
               arg("out").noconvert(), arg("n_threads"));
    module.def("multiply_transposed", &product_transposed<T>, arg("a").noconvert(),
               arg("b").noconvert(), arg("out").noconvert(), arg("n_threads"));
    module.def("gram", &gram_of<T>, arg("a").noconvert(), arg("n_threads"));
    module.def("column_sums", &sums_of_columns<T>, arg("h").noconvert(),
               arg("weights").noconvert().none(true), arg("n_threads"));
}

template <typename T, typename I>
void bind_sparse(py::module_ &module) {
    using py::arg;
    module.def("spmm", &sparse_dense<T, I>, arg("indptr").noconvert(), arg("indices").noconvert(),
               arg("values").noconvert().none(true), arg("h").noconvert(), arg("out").noconvert(),
               arg("n_threads"));
    module.def("sparse_scores", &sparse_sparse<T, I>, arg("indptr").noconvert(),
               arg("indices").noconvert(), arg("values").noconvert().none(true),
               arg("w_indptr").noconvert(), arg("w_indices").noconvert(),
               arg("w_values").noconvert().none(true), arg("bias").noconvert(),
               arg("out").noconvert(), arg("n_threads"));
}

}  // namespace nnae::bindings::of_dense

namespace nnae::bindings {

void bind_dense(py::module_ &module) {
    using namespace of_dense;
    bind_real<float>(module);
    bind_real<double>(module);
    bind_sparse<float, std::int32_t>(module);
    bind_sparse<float, std::int64_t>(module);
    bind_sparse<double, std::int32_t>(module);
    bind_sparse<double, std::int64_t>(module);
}

}  // namespace nnae::bindings
