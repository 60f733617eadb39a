// Updates of one factor: multiplicative.hpp, coordinate_descent.hpp, rate_descent.hpp,
// objective.hpp.
#include "arrays.hpp"
#include "coordinate_descent.hpp"
#include "elementary.hpp"
#include "loss_names.hpp"
#include "multiplicative.hpp"
#include "objective.hpp"
#include "rate_descent.hpp"

namespace nnae::bindings::of_updates {

template <typename T>
using Values = std::optional<Array<T>>;

template <typename T, typename I>
struct Operands {
    Csr<T, I> P;
    Matrix<const T> H;
    Operands(const Array<I> &indptr, const Array<I> &indices, const Values<T> &values,
             const Array<T> &h, std::int64_t rows, std::int64_t k)
        : P(csr<T, I>(indptr, indices, values, matrix(h).rows)), H(matrix(h)) {
        require(P.rows == rows, "the factor must have one row for each row of the target");
        require(H.cols == k, "both factors must have the same number of columns");
    }
};

template <typename T>
Matrix<const T> denominator_of(const Array<T> &den, std::int64_t n, std::int64_t k, bool is_gram) {
    const auto D = matrix(den);
    require(D.cols == k && (is_gram ? D.rows == k : D.rows == 1 || D.rows == n),
            "the denominator must be k x k (frobenius), 1 x k or n x k (the other losses)");
    return D;
}

template <typename T, typename I>
void multiplicative(const std::string &loss, const Array<I> &indptr, const Array<I> &indices,
                    const Values<T> &values, const Array<T> &h, const Array<T> &den, Array<T> &f,
                    T floor, const Values<T> &target, double target_weight, int n_threads) {
    const auto F = mutable_matrix(f);
    const Operands<T, I> on(indptr, indices, values, h, F.rows, F.cols);
    MultiplicativeOptions<T> options{};
    options.denominator = denominator_of(den, F.rows, F.cols, loss == "frobenius");
    options.floor = floor;
    options.n_threads = n_threads;
    if (target) {
        options.target = matrix(*target);
        require(options.target.rows == F.rows && options.target.cols == F.cols,
                "the target from above must have the shape of the factor");
        require(target_weight > 0, "target_weight must be positive");
        options.target_weight = target_weight;
    }
    with_loss(loss, [&](auto policy) {
        py::gil_scoped_release free;
        multiplicative_step<decltype(policy), T, I>(on.P, on.H, options, F);
    });
}

template <typename T, typename I>
void ratios(const std::string &loss, const Array<I> &indptr, const Array<I> &indices,
            const Values<T> &values, const Array<T> &f, const Array<T> &h, Array<T> &out,
            int n_threads) {
    const auto F = matrix(f);
    const Operands<T, I> on(indptr, indices, values, h, F.rows, F.cols);
    const auto N = mutable_matrix(out);
    require(N.rows == F.rows && N.cols == F.cols, "the output must have the shape of the factor");
    with_loss(loss, [&](auto policy) {
        py::gil_scoped_release free;
        ratio_product<decltype(policy), T, I>(on.P, F, on.H, n_threads, N);
    });
}

template <typename T, typename I>
double objective(const std::string &loss, const Array<I> &indptr, const Array<I> &indices,
                 const Values<T> &values, const Array<T> &f, const Array<T> &h,
                 const Values<double> &weights, int n_threads) {
    const auto F = matrix(f);
    const Operands<T, I> on(indptr, indices, values, h, F.rows, F.cols);
    require(!weights || weights->size() == F.rows, "weights must have one entry a row");
    const double *w = weights ? weights->data() : nullptr;
    return with_loss(loss, [&](auto policy) {
        py::gil_scoped_release free;
        return objective_at_nonzeros<decltype(policy), T, I>(on.P, F, on.H, w, n_threads);
    });
}

template <typename T, typename I>
double coordinate(const std::string &loss, const Array<I> &indptr, const Array<I> &indices,
                  const Values<T> &values, const Array<T> &h, const Array<T> &den, Array<T> &f,
                  T l1, T l2, int repeats, T tolerance, T floor, int n_threads,
                  const Values<double> &sums) {
    const auto F = mutable_matrix(f);
    const Operands<T, I> on(indptr, indices, values, h, F.rows, F.cols);
    CoordinateOptions<T> options{};
    const bool of_rows = sums && sums->ndim() == 2 && sums->shape(0) == F.rows;
    require(!sums || sums->size() == F.cols * (of_rows ? F.rows : 1),
            "sums must have one entry a column, or a cell, of the factor");
    if (sums) options.sums = sums->data(), options.sums_stride = of_rows ? F.cols : 0;
    options.denominator = denominator_of(den, F.rows, F.cols, loss == "frobenius");
    options.l1 = l1, options.l2 = l2;
    options.repeats = repeats, options.tolerance = tolerance, options.floor = floor;
    options.n_threads = n_threads;
    if (loss == "frobenius") {
        py::gil_scoped_release free;
        return coordinate_step<T, I>(on.P, on.H, options, F);
    }
    with_rate_loss(loss, [&](auto policy) {
        py::gil_scoped_release free;
        rate_step<decltype(policy), T, I>(on.P, on.H, options, F);
    });
    return 0;
}

template <typename T>
double coordinate_dense(const Array<T> &right_sides, const Array<T> &den, Array<T> &f, int repeats,
                        T tolerance, int n_threads) {
    const auto F = mutable_matrix(f);
    const auto R = matrix(right_sides);
    require(R.rows == F.rows && R.cols == F.cols,
            "the right-hand sides must have the shape of the factor");
    CoordinateOptions<T> options{};
    options.denominator = denominator_of(den, F.rows, F.cols, true);
    options.repeats = repeats, options.tolerance = tolerance, options.n_threads = n_threads;
    py::gil_scoped_release free;
    return coordinate_step<T>(R, options, F);
}

template <typename T>
void bind_dense_step(py::module_ &module) {
    using py::arg;
    module.def("coordinate_step_dense", &coordinate_dense<T>, arg("right_sides").noconvert(),
               arg("den").noconvert(), arg("f").noconvert(), arg("repeats"), arg("tolerance"),
               arg("n_threads"));
}

template <typename T, typename I>
void bind(py::module_ &module) {
    using py::arg;
    module.def("multiplicative_step", &multiplicative<T, I>, arg("loss"), arg("indptr").noconvert(),
               arg("indices").noconvert(), arg("values").noconvert().none(true),
               arg("h").noconvert(), arg("den").noconvert(), arg("f").noconvert(), arg("floor"),
               arg("target").noconvert().none(true), arg("target_weight"), arg("n_threads"));
    module.def("ratio_product", &ratios<T, I>, arg("loss"), arg("indptr").noconvert(),
               arg("indices").noconvert(), arg("values").noconvert().none(true),
               arg("f").noconvert(), arg("h").noconvert(), arg("out").noconvert(),
               arg("n_threads"));
    module.def("objective_at_nonzeros", &objective<T, I>, arg("loss"), arg("indptr").noconvert(),
               arg("indices").noconvert(), arg("values").noconvert().none(true),
               arg("f").noconvert(), arg("h").noconvert(), arg("weights").noconvert().none(true),
               arg("n_threads"));
    module.def("coordinate_step", &coordinate<T, I>, arg("loss"), arg("indptr").noconvert(),
               arg("indices").noconvert(), arg("values").noconvert().none(true),
               arg("h").noconvert(), arg("den").noconvert(), arg("f").noconvert(), arg("l1"),
               arg("l2"), arg("repeats"), arg("tolerance"), arg("floor"), arg("n_threads"),
               arg("sums").noconvert().none(true) = py::none());
}

}  // namespace nnae::bindings::of_updates

namespace nnae::bindings {

void bind_updates(py::module_ &module) {
    using namespace of_updates;
    bind_dense_step<float>(module);
    bind_dense_step<double>(module);
    bind<float, std::int32_t>(module);
    bind<float, std::int64_t>(module);
    bind<double, std::int32_t>(module);
    bind<double, std::int64_t>(module);
    module.def("one_minus_exp", py::vectorize(&one_minus_exp<double>), py::arg("rate"));
    module.def("logarithm", py::vectorize(&logarithm<double>), py::arg("x"));
    module.def("wright_omega", py::vectorize(&wright_omega), py::arg("x"));
}

}  // namespace nnae::bindings
