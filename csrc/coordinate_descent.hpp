// Coordinate descent on the rows of a factor under the Frobenius loss, the other factor fixed.
//
//   min over F_i >= 0 of  |P_i - F_i H'|^2,     i.e.  F_i G F_i' / 2 - b_i . F_i
//   b_i = sum_j P_ij H_j,   G = H'H  (k x k),   P: n x m sparse, F: n x k (updated), H: m x k
//
// One fused pass a row: b and the gradient g = G f - b stay in L1, G in L2. A coordinate that is
// zero and wants to stay there (g >= 0) costs nothing, so codes with few active concepts are cheap.
// penalty adds l1 sum(f) + l2/2 |f|^2. Repeats at most `repeats` times, or until the largest move
// of a row is at most tolerance times the largest move of its first pass. Returns sum_i b_i . F_i
// at the result, the cross term of the objective, for nothing extra. Guarantees: the objective
// never rises; each row is one thread's, so threads never change a bit. Where the diagonal of G is
// zero a coordinate changes nothing and stays (unless a penalty wants it at zero): a concept that
// lost one factor can come back. Cost: nnz k + n k (active + moved) a pass. Cichocki and Phan
// (2009), order of HALS.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "parallel.hpp"
#include "sparse_ops.hpp"
#include "views.hpp"

namespace nnae {

template <typename T>
struct CoordinateOptions {
    Matrix<const T> denominator;  // k x k Gram (Frobenius) or 1 x k column sums (rate losses)
    T l1 = 0, l2 = 0;
    int repeats = 1;
    T tolerance = 0;
    T floor = 0;                   // rate losses only
    const double *sums = nullptr;  // the column sums in double, where T is too coarse for them
    int n_threads = 1;
};

namespace detail {

template <typename T>
inline T descend_row(Matrix<const T> G, T l2, T *__restrict gradient, T *__restrict f) {
    T largest = 0;
    for (std::int64_t p = 0; p < G.cols; ++p) {
        if (f[p] == 0 && gradient[p] >= 0) continue;
        const T *line = G.row(p);
        const T diagonal = line[p] + l2;
        const T flat = gradient[p] > 0 ? T(0) : f[p];
        const T moved = diagonal > 0 ? std::max(T(0), f[p] - gradient[p] / diagonal) : flat;
        const T change = moved - f[p];
        if (change == 0) continue;
        f[p] = moved;
        add_scaled(gradient, change, line, G.cols);
        gradient[p] += l2 * change;
        largest = std::max(largest, std::abs(change));
    }
    return largest;
}

template <typename T>
struct DenseRows {
    Matrix<const T> rows;
    void operator()(std::int64_t i, T *b) const { std::copy_n(rows.row(i), rows.cols, b); }
};

template <typename T, typename I>
struct SparseRows {
    Csr<T, I> P;
    Matrix<const T> H;
    void operator()(std::int64_t i, T *b) const {
        std::fill_n(b, H.cols, T(0));
        for (std::int64_t at = P.begin(i); at < P.end(i); ++at)
            add_scaled(b, P.value(at), H.row(static_cast<std::int64_t>(P.indices[at])), H.cols);
    }
};

template <typename T, typename RightSide>
double descend_rows(const RightSide &right_side, const CoordinateOptions<T> &options, Matrix<T> F) {
    constexpr std::int64_t chunk = 32;
    const std::int64_t k = F.cols;
    const Matrix<const T> G = options.denominator;
    std::vector<double> slots(static_cast<std::size_t>(chunk_count(F.rows, chunk)));
    std::vector<T> scratch(static_cast<std::size_t>(std::max(options.n_threads, 1)) * 2 * k);
    parallel_for(F.rows, chunk, options.n_threads,
                 [&](std::int64_t begin, std::int64_t end, int t) {
                     T *b = scratch.data() + 2 * k * t, *gradient = b + k;
                     double cross = 0;
                     for (std::int64_t i = begin; i < end; ++i) {
                         T *f = F.row(i);
                         right_side(i, b);
                         for (std::int64_t p = 0; p < k; ++p)
                             gradient[p] = options.l1 - b[p] + options.l2 * f[p];
                         for (std::int64_t p = 0; p < k; ++p)
                             if (f[p] != 0) add_scaled(gradient, f[p], G.row(p), k);
                         T first = 0;
                         for (int pass = 0; pass < options.repeats; ++pass) {
                             const T largest = descend_row(G, options.l2, gradient, f);
                             if (pass == 0) first = largest;
                             if (largest <= options.tolerance * first) break;
                         }
                         cross += static_cast<double>(dot(b, f, k));
                     }
                     slots[begin / chunk] = cross;
                 });
    double total = 0;
    for (const double slot : slots) total += slot;
    return total;
}

}  // namespace detail

template <typename T, typename I>
double coordinate_step(Csr<T, I> P, Matrix<const T> H, const CoordinateOptions<T> &options,
                       Matrix<T> F) {
    return detail::descend_rows(detail::SparseRows<T, I>{P, H}, options, F);
}

// The same with the right-hand sides b_i given as rows of a dense matrix.
template <typename T>
double coordinate_step(Matrix<const T> right_sides, const CoordinateOptions<T> &options,
                       Matrix<T> F) {
    return detail::descend_rows(detail::DenseRows<T>{right_sides}, options, F);
}

}  // namespace nnae
