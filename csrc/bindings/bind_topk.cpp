// The k best labels of every row.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "arrays.hpp"
#include "topk.hpp"

namespace nnae::bindings::of_topk {

namespace {

template <typename T>
struct Ranking {
    Array<std::int64_t> indices;
    Array<T> scores;
    Ranking(std::int64_t n, std::int64_t k) : indices({n, check(k)}), scores({n, k}) {}
    static std::int64_t check(std::int64_t k) {
        require(k >= 0, "k must not be negative");
        return k;
    }
    py::tuple result() { return py::make_tuple(indices, scores); }
};

template <typename T>
py::tuple best_of_product(const Array<T> &Z, const Array<T> &Wt, std::int64_t k, int n_threads) {
    const auto z = matrix<T>(Z), w = matrix<T>(Wt);
    require(z.cols == w.cols, "Z and Wt must have equally many columns");
    require(n_threads >= 1, "n_threads must be at least 1");
    Ranking<T> out(z.rows, k);
    auto indices = mutable_matrix(out.indices);
    auto scores = mutable_matrix(out.scores);
    {
        py::gil_scoped_release release;
        topk_scores<T>(z, w, n_threads, indices, scores);
    }
    return out.result();
}

template <typename T>
py::tuple best_of_dense(const Array<T> &S, std::int64_t k, int n_threads) {
    const auto s = matrix<T>(S);
    require(n_threads >= 1, "n_threads must be at least 1");
    Ranking<T> out(s.rows, k);
    auto indices = mutable_matrix(out.indices);
    auto scores = mutable_matrix(out.scores);
    {
        py::gil_scoped_release release;
        topk_dense<T>(s, n_threads, indices, scores);
    }
    return out.result();
}

template <typename T, typename I>
py::tuple best_of_csr(const Array<I> &indptr, const Array<I> &indices_of,
                      const std::optional<Array<T>> &values, std::int64_t cols, std::int64_t k,
                      int n_threads) {
    const auto s = csr<T, I>(indptr, indices_of, values, cols);
    require(n_threads >= 1, "n_threads must be at least 1");
    Ranking<T> out(s.rows, k);
    auto indices = mutable_matrix(out.indices);
    auto scores = mutable_matrix(out.scores);
    {
        py::gil_scoped_release release;
        topk_csr<T, I>(s, n_threads, indices, scores);
    }
    return out.result();
}

template <typename T>
void bind(py::module_ &module) {
    module.def("topk_scores", &best_of_product<T>, py::arg("Z").noconvert(),
               py::arg("Wt").noconvert(), py::arg("k"), py::arg("n_threads"),
               "Indices and scores of the k best labels of each row of Z Wt'.");
    module.def("topk_dense", &best_of_dense<T>, py::arg("S").noconvert(), py::arg("k"),
               py::arg("n_threads"), "Indices and scores of the k best columns of each row of S.");
    module.def("topk_csr", &best_of_csr<T, std::int32_t>, py::arg("indptr").noconvert(),
               py::arg("indices").noconvert(), py::arg("values").noconvert(), py::arg("cols"),
               py::arg("k"), py::arg("n_threads"),
               "Indices and scores of the k best stored entries of each row.");
    module.def("topk_csr", &best_of_csr<T, std::int64_t>, py::arg("indptr").noconvert(),
               py::arg("indices").noconvert(), py::arg("values").noconvert(), py::arg("cols"),
               py::arg("k"), py::arg("n_threads"));
}

}  // namespace

}  // namespace nnae::bindings::of_topk

namespace nnae::bindings {

void bind_topk(py::module_ &module) {
    using namespace of_topk;
    bind<float>(module);
    bind<double>(module);
}

}  // namespace nnae::bindings
