// The Frobenius loss of some cells only: coordinate descent, and the product it is made of.
//
//   listed_step      min over F_i >= 0 of  F_i (share G) F_i' / 2 + sum_j s_ij (F_i . H_j)^2 / 2
//                                          - b_i . F_i + l1 sum(f) + l2 |f|^2 / 2
//   listed_product   N_i = sum_j s_ij (F_i . H_j) H_j            the gradient of the second term
//   listed_sums      N_i = sum_j s_ij H_j                        what the rate losses need instead
//   b_i = sum_j P_ij H_j,   G = H'H (k x k, double),   P, S: n x m sparse, F: n x k, H: m x k
//
// share = 0 with s = 1 at the observed cells, or share = 1 with s = -1 at the unobserved ones:
// whichever list is shorter says which cells count, and a list without values holds these. Row
// weights are in the values of P and S and in G. The rates of one row's listed cells are kept in
// double while its coordinates move. A coordinate that no observed cell depends on goes to zero,
// unless H does not use it at all: then it stays, as in coordinate_descent.hpp. Guarantees: the
// objective never rises; rows are independent, so threads never change a bit; a row without
// observed cells goes to zero. Preconditions: share G + sum s H'H is positive semidefinite. Cost of
// a pass: nnz(S) k, and n k (active + moved) when share is 1.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "coordinate_descent.hpp"
#include "parallel.hpp"
#include "sparse_ops.hpp"
#include "views.hpp"

namespace nnae {

template <typename T>
struct ListedOptions {
    Matrix<const double> gram;  // k x k
    double share = 0;           // 0: the listed cells alone; 1: all cells, corrected at the listed
    double l1 = 0, l2 = 0;
    int repeats = 1;
    double tolerance = 0;
    int n_threads = 1;
};

namespace detail {

// What an entry of S counts.
template <typename T, typename I>
inline double listed_value(Csr<T, I> S, std::int64_t at, double share) {
    return S.values ? static_cast<double>(S.values[at]) : 1 - 2 * share;
}

// Scratch of one thread.
struct ListedRow {
    std::vector<double> gradient, rate, sign, weights;
    void reserve(std::int64_t m, std::int64_t k) {
        gradient.resize(static_cast<std::size_t>(k));
        for (auto *of : {&rate, &sign, &weights}) of->resize(static_cast<std::size_t>(m));
    }
};

template <typename T>
inline double rate_of(const T *f, const T *h, std::int64_t k) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t p = 0; p < k; ++p)
        sum += static_cast<double>(f[p]) * static_cast<double>(h[p]);
    return sum;
}

template <typename T, typename I>
inline void open_row(Csr<T, I> P, Csr<T, I> S, std::int64_t i, Matrix<const T> H,
                     const ListedOptions<T> &options, const T *f, ListedRow &row) {
    const std::int64_t k = H.cols;
    double *gradient = row.gradient.data();
    for (std::int64_t p = 0; p < k; ++p)
        gradient[p] = options.l1 + options.l2 * static_cast<double>(f[p]);
    for (std::int64_t at = P.begin(i); at < P.end(i); ++at) {
        const T *h = H.row(static_cast<std::int64_t>(P.indices[at]));
        const double y = static_cast<double>(P.value(at));
        for (std::int64_t p = 0; p < k; ++p) gradient[p] -= y * static_cast<double>(h[p]);
    }
    if (options.share > 0)
        for (std::int64_t p = 0; p < k; ++p)
            if (f[p] != 0)
                add_scaled(gradient, options.share * static_cast<double>(f[p]), options.gram.row(p),
                           k);
    for (std::int64_t at = S.begin(i); at < S.end(i); ++at) {
        const auto a = static_cast<std::size_t>(at - S.begin(i));
        row.sign[a] = listed_value(S, at, options.share);
        row.rate[a] = rate_of(f, H.row(static_cast<std::int64_t>(S.indices[at])), k);
    }
}

// Moves coordinate p of row i; returns the change.
template <typename T, typename I>
inline double move_listed(Csr<T, I> S, std::int64_t i, std::int64_t p, Matrix<const T> H,
                          const ListedOptions<T> &options, ListedRow &row, T *f) {
    const std::int64_t m = S.end(i) - S.begin(i), k = H.cols;
    const I *columns = S.indices + S.begin(i);
    double *w = row.weights.data(), *rate = row.rate.data();
    const double *sign = row.sign.data();
    double slope = row.gradient[static_cast<std::size_t>(p)], bend = 0, size = 0;
    for (std::int64_t a = 0; a < m; ++a) {
        w[a] = static_cast<double>(H.row(static_cast<std::int64_t>(columns[a]))[p]);
        slope += sign[a] * rate[a] * w[a];
        bend += sign[a] * w[a] * w[a];
        size += std::abs(sign[a]) * w[a] * w[a];
    }
    const double before = static_cast<double>(f[p]);
    if (before == 0 && slope >= 0) return 0;
    const double *line = options.gram.row(p);
    const double all = options.share * line[p];
    const double curvature = all + bend + options.l2;
    double moved = before;
    if (curvature > 1e-12 * (all + size))
        moved = std::max(0.0, before - slope / curvature);
    else if (line[p] > 0 || slope > 0)
        moved = 0;
    f[p] = static_cast<T>(moved);
    const double change = static_cast<double>(f[p]) - before;
    if (change == 0) return 0;
    for (std::int64_t a = 0; a < m; ++a) rate[a] += change * w[a];
    double *gradient = row.gradient.data();
    if (options.share > 0) add_scaled(gradient, options.share * change, line, k);
    gradient[p] += options.l2 * change;
    return change;
}

template <typename T, typename I>
inline std::int64_t longest_row(Csr<T, I> P) {
    std::int64_t longest = 0;
    for (std::int64_t i = 0; i < P.rows; ++i) longest = std::max(longest, P.end(i) - P.begin(i));
    return longest;
}

}  // namespace detail

template <typename T, typename I>
void listed_step(Csr<T, I> P, Csr<T, I> S, Matrix<const T> H, const ListedOptions<T> &options,
                 Matrix<T> F) {
    const std::int64_t k = F.cols, longest = detail::longest_row(S);
    std::vector<detail::ListedRow> rows(static_cast<std::size_t>(std::max(options.n_threads, 1)));
    for (auto &row : rows) row.reserve(longest, k);
    parallel_for(P.rows, 16, options.n_threads, [&](std::int64_t begin, std::int64_t end, int t) {
        detail::ListedRow &row = rows[static_cast<std::size_t>(t)];
        for (std::int64_t i = begin; i < end; ++i) {
            T *f = F.row(i);
            detail::open_row(P, S, i, H, options, f, row);
            double first = 0;
            for (int pass = 0; pass < options.repeats; ++pass) {
                double largest = 0;
                for (std::int64_t p = 0; p < k; ++p)
                    largest = std::max(largest,
                                       std::abs(detail::move_listed(S, i, p, H, options, row, f)));
                if (pass == 0) first = largest;
                if (largest <= options.tolerance * first) break;
            }
        }
    });
}

template <typename T, typename I>
void listed_product(Csr<T, I> S, Matrix<const T> F, Matrix<const T> H, double share, int n_threads,
                    Matrix<double> N) {
    parallel_for(S.rows, 32, n_threads, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i) {
            double *row = N.row(i);
            std::fill_n(row, N.cols, 0.0);
            for (std::int64_t at = S.begin(i); at < S.end(i); ++at) {
                const T *h = H.row(static_cast<std::int64_t>(S.indices[at]));
                const double scaled =
                    detail::listed_value(S, at, share) * detail::rate_of(F.row(i), h, H.cols);
                for (std::int64_t p = 0; p < H.cols; ++p)
                    row[p] += scaled * static_cast<double>(h[p]);
            }
        }
    });
}

template <typename T, typename I>
void listed_sums(Csr<double, I> S, Matrix<const T> H, double share, int n_threads,
                 Matrix<double> N) {
    parallel_for(S.rows, 64, n_threads, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i) {
            double *row = N.row(i);
            std::fill_n(row, N.cols, 0.0);
            for (std::int64_t at = S.begin(i); at < S.end(i); ++at) {
                const T *h = H.row(static_cast<std::int64_t>(S.indices[at]));
                const double s = detail::listed_value(S, at, share);
                for (std::int64_t p = 0; p < H.cols; ++p) row[p] += s * static_cast<double>(h[p]);
            }
        }
    });
}

}  // namespace nnae
