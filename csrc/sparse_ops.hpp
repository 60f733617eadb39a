// Products of a sparse matrix with a dense one, row by row.
//
//   sparse_product       C_i = sum_j P_ij H_j         P: n x m sparse, H: m x k, C: n x k
//   sparse_scores        S_i = b + sum_j P_ij W_j         W: m x k sparse too, b: k, S: n x k dense
//   column_sums          s_p = sum_i w_i H_ip         w: n or null (all one), s: k doubles
//   add_scaled, dot      the two loops over k that everything sparse is made of
//
// A row of C is written by one thread and stays in L1 while the rows of H stream by. Column sums
// are added over fixed chunks in chunk order, so threads never change a bit. Preconditions: shapes
// fit. Empty rows give zeros. Cost: nnz k; sum of the lengths of the rows
// of W that are met; n k.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "parallel.hpp"
#include "simd.hpp"
#include "views.hpp"

namespace nnae {

template <typename T, typename U>
inline void add_scaled(U *__restrict to, T scale, const T *__restrict from, std::int64_t k) {
#pragma omp simd
    for (std::int64_t p = 0; p < k; ++p) to[p] += static_cast<U>(scale * from[p]);
}

template <typename T>
inline T dot(const T *__restrict a, const T *__restrict b, std::int64_t k) {
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t p = 0; p < k; ++p) sum += a[p] * b[p];
    return sum;
}

namespace detail {

// Columns [p, p + Vectors registers) of sum_j P_ij H_j. Entries are added in blocks, so that the
// sums of long rows keep their digits.
template <int Vectors, typename T, typename I>
inline void sparse_panel(Csr<T, I> P, std::int64_t i, Matrix<const T> H, std::int64_t p, T *out) {
    constexpr std::int64_t block = 256;
    Pack<T> total[Vectors] = {};
    for (std::int64_t from = P.begin(i); from < P.end(i); from += block) {
        const std::int64_t end = std::min(from + block, P.end(i));
        Pack<T> sum[Vectors] = {};
        for (std::int64_t at = from; at < end; ++at) {
            const T *h = H.row(static_cast<std::int64_t>(P.indices[at])) + p;
            if (P.values) {
                const Pack<T> x = broadcast(P.values[at]);
                for (int v = 0; v < Vectors; ++v) sum[v] += x * load(h + v * lanes<T>);
            } else {
                for (int v = 0; v < Vectors; ++v) sum[v] += load(h + v * lanes<T>);
            }
        }
        for (int v = 0; v < Vectors; ++v) total[v] += sum[v];
    }
    for (int v = 0; v < Vectors; ++v) store(out + p + v * lanes<T>, total[v]);
}

// Row i of P H. The sums stay in registers while the rows of H stream by.
template <typename T, typename I>
inline void sparse_row(Csr<T, I> P, std::int64_t i, Matrix<const T> H, T *out) {
    constexpr std::int64_t width = lanes<T>;
    std::int64_t p = 0;
    for (; p + 8 * width <= H.cols; p += 8 * width) sparse_panel<8>(P, i, H, p, out);
    for (; p + 2 * width <= H.cols; p += 2 * width) sparse_panel<2>(P, i, H, p, out);
    if (p == H.cols) return;
    std::fill(out + p, out + H.cols, T(0));
    for (std::int64_t at = P.begin(i); at < P.end(i); ++at)
        add_scaled(out + p, P.value(at), H.row(static_cast<std::int64_t>(P.indices[at])) + p,
                   H.cols - p);
}

}  // namespace detail

namespace detail {

// C by panels of H that are packed side by side: what many entries share stays in L2.
template <typename T, typename I>
void sparse_product_by_panels(Csr<T, I> P, Matrix<const T> H, int n_threads, Matrix<T> C) {
    constexpr std::int64_t width = 8 * lanes<T>;
    std::vector<T> packed(static_cast<std::size_t>(H.rows * width));
    for (std::int64_t p = 0; p < H.cols; p += width) {
        const std::int64_t used = std::min(width, H.cols - p);
        const Matrix<const T> panel{packed.data(), H.rows, used};
        parallel_for(H.rows, 256, n_threads, [&](std::int64_t begin, std::int64_t end, int) {
            for (std::int64_t j = begin; j < end; ++j)
                std::copy_n(H.row(j) + p, used, packed.data() + j * used);
        });
        parallel_for(P.rows, 64, n_threads, [&](std::int64_t begin, std::int64_t end, int) {
            for (std::int64_t i = begin; i < end; ++i) sparse_row(P, i, panel, C.row(i) + p);
        });
    }
}

}  // namespace detail

template <typename T, typename I>
void sparse_product(Csr<T, I> P, Matrix<const T> H, int n_threads, Matrix<T> C) {
    constexpr std::int64_t outgrown = (1 << 20) / static_cast<std::int64_t>(sizeof(T));
    if (H.cols > 8 * lanes<T> && H.rows * H.cols > outgrown && P.nnz() > 8 * H.rows)
        return detail::sparse_product_by_panels(P, H, n_threads, C);
    parallel_for(P.rows, 64, n_threads, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i) detail::sparse_row(P, i, H, C.row(i));
    });
}

template <typename T, typename I>
void sparse_scores(Csr<T, I> P, Csr<T, I> W, const T *bias, int n_threads, Matrix<T> S) {
    parallel_for(P.rows, 64, n_threads, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i) {
            T *row = S.row(i);
            std::copy_n(bias, S.cols, row);
            for (std::int64_t at = P.begin(i); at < P.end(i); ++at) {
                const std::int64_t j = static_cast<std::int64_t>(P.indices[at]);
                const T x = P.value(at);
                for (std::int64_t w = W.begin(j); w < W.end(j); ++w)
                    row[W.indices[w]] += x * W.value(w);
            }
        }
    });
}

template <typename T>
void column_sums(Matrix<const T> H, const double *weights, int n_threads, double *sums) {
    constexpr std::int64_t chunk = 1024;
    const std::int64_t chunks = chunk_count(H.rows, chunk);
    std::vector<double> slots(static_cast<std::size_t>(chunks * H.cols));
    parallel_for(H.rows, chunk, n_threads, [&](std::int64_t begin, std::int64_t end, int) {
        double *slot = slots.data() + begin / chunk * H.cols;
        for (std::int64_t i = begin; i < end; ++i) {
            const double w = weights ? weights[i] : 1.0;
            const T *row = H.row(i);
            for (std::int64_t p = 0; p < H.cols; ++p) slot[p] += w * static_cast<double>(row[p]);
        }
    });
    std::fill_n(sums, H.cols, 0.0);
    for (std::int64_t c = 0; c < chunks; ++c)
        for (std::int64_t p = 0; p < H.cols; ++p) sums[p] += slots[c * H.cols + p];
}

}  // namespace nnae
