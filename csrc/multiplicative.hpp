// One multiplicative update of a factor, the other one fixed.
//
//   F_i <- max(floor, F_i o N_i / D_i)     N_i = sum_j ratio_ij H_j over the non-zeros j of row i
//   D_i = F_i G, G = H'H (Frobenius)       D_i = sum_j H_j (Kullback-Leibler, Bernoulli)
//
// P: n x m sparse, F: n x k (updated), H: m x k. Codes: P = Y, H = Wt; weights: P = Y', H = Z.
// With a target T (n x k) from the level above and weight w > 0 the objective gains w D(F, T):
//   Frobenius          F_i o (N_i + w T_i) / (F_i G + w F_i)
//   the other two      the root of w log f + (D - w log T) = f_old N / f, by Wright's omega
//   function
// ratio_product gives N alone (n x k), for a factor in the middle of a product.
// Guarantees: the objective of the floored problem does not rise; rows are independent, so threads
// never change a bit; rows without non-zeros go to the floor (or towards their target).
// The two rate losses may have a D of their own in every row (n x k): then not all cells count.
// Preconditions: F, H >= floor > 0 where a loss divides by rates. Cost: 4 nnz k (+ n k^2
// Frobenius). Lee and Seung (2001); Takahashi and Hibi (2014) for the floor; De Handschutter and
// Gillis (2023).
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "gemm.hpp"
#include "losses.hpp"
#include "parallel.hpp"
#include "sparse_ops.hpp"
#include "views.hpp"

namespace nnae {

// Wright's omega function for real x: the w > 0 with w + log w = x. Two Fritsch steps are exact to
// double precision from these starts; a third is for the ends of the middle piece.
inline double wright_omega(double x) {
    if (x < -50) return std::exp(x);
    double w;
    if (x < -2)
        w = std::exp(x) / (1 + std::exp(x));
    else if (x < 1)
        w = std::exp(2 * (x - 1) / 3);
    else
        w = x - std::log(x) + std::log(x) / x;
    for (int step = 0; step < 3; ++step) {
        const double r = x - w - std::log(w), next = w + 1;
        const double q = 2 * next * (next + 2.0 / 3.0 * r);
        w *= 1 + r / next * (q - r) / (q - 2 * r);
    }
    return w;
}

template <typename T>
struct MultiplicativeOptions {
    Matrix<const T> denominator;  // k x k Gram (Frobenius); 1 x k or n x k sums
    Matrix<const T> target;       // n x k, or data == nullptr
    double target_weight = 0;
    T floor = 0;
    int n_threads = 1;
};

namespace detail {

// Rates of a block of non-zeros first, then all their ratios at once, then the sum.
template <typename Loss, typename T, typename I>
inline void ratio_row(Csr<T, I> P, std::int64_t i, const T *f, Matrix<const T> H, T *numerator) {
    constexpr std::int64_t block = 64;
    T y[block], rate[block];
    std::fill_n(numerator, H.cols, T(0));
    for (std::int64_t from = P.begin(i); from < P.end(i); from += block) {
        const std::int64_t m = std::min(block, P.end(i) - from);
        for (std::int64_t a = 0; a < m; ++a) {
            y[a] = P.value(from + a);
            const T *h = H.row(static_cast<std::int64_t>(P.indices[from + a]));
            rate[a] = std::is_same_v<Loss, Frobenius> ? T(0) : dot(f, h, H.cols);
        }
#pragma omp simd
        for (std::int64_t a = 0; a < m; ++a) rate[a] = Loss::ratio(y[a], rate[a]);
        for (std::int64_t a = 0; a < m; ++a)
            add_scaled(numerator, rate[a], H.row(static_cast<std::int64_t>(P.indices[from + a])),
                       H.cols);
    }
}

template <typename Loss, typename T>
inline void update_row(const MultiplicativeOptions<T> &options, std::int64_t i, std::int64_t k,
                       const T *numerator, const T *denominator, T *f) {
    const T *target = options.target.data ? options.target.row(i) : nullptr;
    const T w = static_cast<T>(options.target_weight);
    if constexpr (std::is_same_v<Loss, Frobenius>) {
        for (std::int64_t p = 0; p < k; ++p) {
            const T up = numerator[p] + (target ? w * target[p] : T(0));
            const T down = denominator[p] + (target ? w * f[p] : T(0));
            f[p] = down > 0 ? std::max(options.floor, f[p] * up / down) : options.floor;
        }
        return;
    }
    const T *sums = options.denominator.row(options.denominator.rows > 1 ? i : 0);
    for (std::int64_t p = 0; p < k; ++p) {
        const T b = f[p] * numerator[p];
        if (!target) {
            f[p] = sums[p] > 0 ? std::max(options.floor, b / sums[p]) : options.floor;
            continue;
        }
        const double above = std::max(static_cast<double>(target[p]), 1e-200);
        const double slope = static_cast<double>(sums[p]) / options.target_weight - std::log(above);
        const double scaled = static_cast<double>(b) / options.target_weight;
        const double root =
            scaled > 1e-250 ? scaled / wright_omega(std::log(scaled) + slope) : std::exp(-slope);
        f[p] = std::max(options.floor, static_cast<T>(root));
    }
}

}  // namespace detail

template <typename Loss, typename T, typename I>
void multiplicative_step(Csr<T, I> P, Matrix<const T> H, const MultiplicativeOptions<T> &options,
                         Matrix<T> F) {
    constexpr std::int64_t chunk = 8 * tile_rows;
    constexpr bool squares = std::is_same_v<Loss, Frobenius>;
    const std::int64_t k = F.cols, each = (squares ? chunk + 1 : 1) * k;
    const detail::PackedPanels<T> gram(squares ? options.denominator : Matrix<const T>{});
    std::vector<T> scratch(static_cast<std::size_t>(std::max(options.n_threads, 1) * each));
    parallel_for(P.rows, chunk, options.n_threads,
                 [&](std::int64_t begin, std::int64_t end, int t) {
                     T *numerator = scratch.data() + each * t, *denominators = numerator + k;
                     if (squares) gram.multiply_rows({F.data, F.rows, k}, begin, end, denominators);
                     for (std::int64_t i = begin; i < end; ++i) {
                         if (squares)
                             detail::sparse_row(P, i, H, numerator);
                         else
                             detail::ratio_row<Loss>(P, i, F.row(i), H, numerator);
                         const T *denominator = squares ? denominators + (i - begin) * k : nullptr;
                         detail::update_row<Loss>(options, i, k, numerator, denominator, F.row(i));
                     }
                 });
}

template <typename Loss, typename T, typename I>
void ratio_product(Csr<T, I> P, Matrix<const T> F, Matrix<const T> H, int n_threads, Matrix<T> N) {
    parallel_for(P.rows, 32, n_threads, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i)
            detail::ratio_row<Loss>(P, i, F.row(i), H, N.row(i));
    });
}

}  // namespace nnae
