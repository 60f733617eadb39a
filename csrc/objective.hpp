// The part of an objective that depends on the non-zeros of the target.
//
//   sum_i w_i sum_{j: P_ij != 0} term(P_ij, F_i . H_j)       P: n x m, F: n x k, H: m x k
//
// The rest is a product of sums (Kullback-Leibler, Bernoulli) or of Gram matrices (Frobenius),
// which the caller has at hand. Rates in T, the sum in double over fixed chunks in chunk order, so
// threads never change a bit. Where large rates cancel against the product of sums (Bernoulli),
// those of far_rate and more are worked out in double: a code may be as large as the precision of T
// lets it, and one such rate would make an objective of noise. w may be null (all one). An empty
// target gives 0. Cost: 2 nnz k.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "losses.hpp"
#include "parallel.hpp"
#include "sparse_ops.hpp"
#include "views.hpp"

namespace nnae {

namespace detail {

constexpr double far_rate = 64;

template <typename Loss, typename T>
inline double rate_at(const T *f, const T *h, std::int64_t k) {
    const T rate = dot(f, h, k);
    if (!Loss::far_rates_cancel || rate < T(far_rate)) return static_cast<double>(rate);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t p = 0; p < k; ++p) sum += static_cast<double>(f[p]) * h[p];
    return sum;
}

}  // namespace detail

template <typename Loss, typename T, typename I>
double objective_at_nonzeros(Csr<T, I> P, Matrix<const T> F, Matrix<const T> H,
                             const double *weights, int n_threads) {
    constexpr std::int64_t chunk = 64, block = 64;
    std::vector<double> slots(static_cast<std::size_t>(chunk_count(P.rows, chunk)));
    parallel_for(P.rows, chunk, n_threads, [&](std::int64_t begin, std::int64_t end, int) {
        double sum = 0, y[block], rate[block];
        for (std::int64_t i = begin; i < end; ++i) {
            double row = 0;
            for (std::int64_t from = P.begin(i); from < P.end(i); from += block) {
                const std::int64_t m = std::min(block, P.end(i) - from);
                for (std::int64_t a = 0; a < m; ++a) {
                    const T *h = H.row(static_cast<std::int64_t>(P.indices[from + a]));
                    y[a] = static_cast<double>(P.value(from + a));
                    rate[a] = detail::rate_at<Loss>(F.row(i), h, H.cols);
                }
#pragma omp simd reduction(+ : row)
                for (std::int64_t a = 0; a < m; ++a) row += Loss::template term<T>(y[a], rate[a]);
            }
            sum += weights ? weights[i] * row : row;
        }
        slots[begin / chunk] = sum;
    });
    double total = 0;
    for (const double slot : slots) total += slot;
    return total;
}

}  // namespace nnae
