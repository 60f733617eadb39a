// Shuffles of sparse labels that keep their margins, of curveball.hpp.
#include "arrays.hpp"
#include "curveball.hpp"

namespace nnae::bindings::of_curveball {

template <typename I>
void shuffle(const Array<I> &indptr, Array<I> &indices, std::int64_t cols, std::int64_t rounds,
             std::uint64_t seed, int n_threads) {
    const auto Y = csr<double, I>(indptr, indices, std::nullopt, cols);
    require(rounds >= 0, "rounds must not be negative");
    require(Y.rows < (std::int64_t(1) << 32), "rows must be fewer than 2^32");
    bool sorted = true;
    for (std::int64_t i = 0; i < Y.rows; ++i)
        for (std::int64_t at = Y.begin(i) + 1; at < Y.end(i); ++at)
            sorted &= Y.indices[at - 1] < Y.indices[at];
    require(sorted, "labels of a row must be sorted and different");
    const I *p = indptr.data();
    I *j = indices.mutable_data();
    py::gil_scoped_release free;
    curveball<I>(p, j, Y.rows, rounds, seed, n_threads);
}

template <typename I>
void bind_shuffle(py::module_ &module) {
    using py::arg;
    module.def("curveball", &shuffle<I>, arg("indptr").noconvert(), arg("indices").noconvert(),
               arg("cols"), arg("rounds"), arg("seed"), arg("n_threads"));
}

}  // namespace nnae::bindings::of_curveball

namespace nnae::bindings {

void bind_curveball(py::module_ &module) {
    using namespace of_curveball;
    bind_shuffle<std::int32_t>(module);
    bind_shuffle<std::int64_t>(module);
}

}  // namespace nnae::bindings
