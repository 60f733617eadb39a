// Dense products of tall, thin matrices, with the same bits at any number of threads.
//
//   multiply             C = A B        A: n x p, B: p x m, C: n x m, all row-major
//   multiply_transposed  C = A'B        A: n x k, B: n x m, C: k x m
//   gram                 C = A'A        A: n x k, C: k x k, symmetric to the bit
//
// B (or B's columns) is walked in panels of a few vector registers, packed where a product has more
// than one tile of rows, A in tiles of six rows; the sums of a tile stay in registers, and a row of
// A B has the same bits whatever rows are beside it. A'B sums blocks of rows in T and adds the
// blocks in double, in an order that depends on n alone. k x m slots of double are needed per chunk
// of rows, at most 64; above 2^17 cells panels of columns are shared out instead, see
// gemm_wide.hpp. Preconditions: shapes fit; outputs do not overlap inputs. n = 0 gives zeros. Cost:
// n p m; gram half of that. No BLAS: its results change with its number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "gemm_tiles.hpp"
#include "gemm_wide.hpp"
#include "parallel.hpp"
#include "simd.hpp"
#include "views.hpp"

namespace nnae {

namespace detail {

// B by panels of columns, for products with rows of any A.
template <typename T>
struct PackedPanels {
    static constexpr std::int64_t width = panel_width<T>;
    std::vector<T> packed;
    std::int64_t depth, cols;
    explicit PackedPanels(Matrix<const T> B)
        : packed(static_cast<std::size_t>(chunk_count(B.cols, width) * B.rows * width)),
          depth(B.rows),
          cols(B.cols) {
        for (std::int64_t p = 0; p < cols; p += width)
            pack_panel(B, 0, depth, p, packed.data() + p * depth);
    }
    // C_i = A_i B for rows [begin, end) of A; the first of them is written to C.
    void multiply_rows(Matrix<const T> A, std::int64_t begin, std::int64_t end, T *C) const {
        T out[tile_rows * width];
        for (std::int64_t p = 0; p < cols; p += width) {
            const std::int64_t used = std::min(width, cols - p);
            for (std::int64_t i = begin; i < end; i += tile_rows) {
                const int rows = static_cast<int>(std::min<std::int64_t>(tile_rows, end - i));
                tile_product<T>(rows, A.row(i), A.cols, 1, packed.data() + p * depth, width, depth,
                                out);
                for (int r = 0; r < rows; ++r)
                    copy_columns(out + r * width, used, C + (i + r - begin) * cols + p);
            }
        }
    }
};

// A B for at most one tile of rows: B is read once, so that laying it in panels would only cost.
template <typename T>
void multiply_tile(Matrix<const T> A, Matrix<const T> B, Matrix<T> C) {
    constexpr std::int64_t width = panel_width<T>;
    const std::int64_t whole = B.cols / width * width;
    const int rows = static_cast<int>(A.rows);
    std::vector<T> last(static_cast<std::size_t>(whole < B.cols ? B.rows * width : 0));
    if (whole < B.cols) pack_panel(B, 0, B.rows, whole, last.data());
    T out[tile_rows * width];
    for (std::int64_t p = 0; p < B.cols; p += width) {
        const bool padded = p == whole;
        tile_product<T>(rows, A.row(0), A.cols, 1, padded ? last.data() : B.row(0) + p,
                        padded ? width : B.cols, B.rows, out);
        for (int r = 0; r < rows; ++r)
            copy_columns(out + r * width, std::min(width, B.cols - p), C.row(r) + p);
    }
}

}  // namespace detail

template <typename T>
void multiply(Matrix<const T> A, Matrix<const T> B, int n_threads, Matrix<T> C) {
    if (A.rows > 0 && A.rows <= tile_rows && B.rows > 0) return detail::multiply_tile(A, B, C);
    const detail::PackedPanels<T> panels(B);
    parallel_for(A.rows, 10 * tile_rows, n_threads, [&](std::int64_t begin, std::int64_t end, int) {
        panels.multiply_rows(A, begin, end, C.row(begin));
    });
}

namespace detail {

// symmetric: A and B are the same matrix; tiles below the diagonal are mirrored, not computed.
template <typename T>
void reduce_product(Matrix<const T> A, Matrix<const T> B, bool symmetric, int n_threads,
                    Matrix<T> C) {
    if (C.rows * C.cols >= wide_cells) return reduce_wide(A, B, symmetric, n_threads, C);
    constexpr std::int64_t width = panel_width<T>;
    const std::int64_t chunk = std::max(
        reduction_block,
        chunk_count(chunk_count(A.rows, reduction_chunks), reduction_block) * reduction_block);
    const std::int64_t chunks = chunk_count(A.rows, chunk), cells = C.rows * C.cols;
    std::vector<double> slots(static_cast<std::size_t>(std::max<std::int64_t>(chunks, 1) * cells));
    std::vector<T> scratch(static_cast<std::size_t>(std::max(n_threads, 1)) * reduction_block *
                           width);
    parallel_for(A.rows, chunk, n_threads, [&](std::int64_t begin, std::int64_t end, int thread) {
        double *slot = slots.data() + begin / chunk * cells;
        T *panel = scratch.data() + static_cast<std::int64_t>(thread) * reduction_block * width;
        T out[tile_rows * panel_width<T>];
        for (std::int64_t s = begin; s < end; s += reduction_block) {
            const std::int64_t stop = std::min(end, s + reduction_block);
            for (std::int64_t q = 0; q < C.cols; q += width) {
                pack_panel(B, s, stop, q, panel);
                const std::int64_t used = std::min(width, C.cols - q);
                const std::int64_t last = symmetric ? std::min(C.rows, q + used) : C.rows;
                for (std::int64_t p = 0; p < last; p += tile_rows) {
                    const int rows = static_cast<int>(std::min<std::int64_t>(tile_rows, last - p));
                    tile_product<T>(rows, A.row(s) + p, 1, A.cols, panel, width, stop - s, out);
                    for (int r = 0; r < rows; ++r)
                        for (std::int64_t c = 0; c < used; ++c)
                            slot[(p + r) * C.cols + q + c] +=
                                static_cast<double>(out[r * width + c]);
                }
            }
        }
    });
    for (std::int64_t c = 1; c < chunks; ++c)
        for (std::int64_t at = 0; at < cells; ++at) slots[at] += slots[c * cells + at];
    for (std::int64_t p = 0; p < C.rows; ++p)
        for (std::int64_t q = 0; q < C.cols; ++q)
            C.row(p)[q] =
                static_cast<T>(symmetric && p > q ? slots[q * C.cols + p] : slots[p * C.cols + q]);
}

}  // namespace detail

template <typename T>
void multiply_transposed(Matrix<const T> A, Matrix<const T> B, int n_threads, Matrix<T> C) {
    detail::reduce_product(A, B, false, n_threads, C);
}

template <typename T>
void gram(Matrix<const T> A, int n_threads, Matrix<T> C) {
    detail::reduce_product(A, A, true, n_threads, C);
}

}  // namespace nnae
