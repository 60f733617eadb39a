// A'B for products with many columns: k x m is too large for a slot in each chunk of rows.
//
//   reduce_wide          C = A'B        A: n x k, B: n x m, C: k x m, all row-major
//
// Threads share out panels of columns of C. Each walks the rows in blocks; a block of A is copied
// in tiles of six columns, side by side (rows of a wide A lie pages apart), and serves all panels.
// A tile's sums over a block stay in registers, in T; blocks are added in double, in their order.
// So a cell of C belongs to one thread and one order, whatever the number of threads. symmetric: A
// and B are the same matrix; tiles below the diagonal are mirrored.
// Preconditions: shapes fit; C does not overlap A or B. n = 0 gives zeros.
// Cost: n k m, half of that where symmetric; holds k x m doubles and 256 x k of T a thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "gemm_tiles.hpp"
#include "parallel.hpp"
#include "simd.hpp"
#include "views.hpp"

namespace nnae::detail {

// Outputs with as many cells are summed panel by panel.
constexpr std::int64_t wide_cells = std::int64_t(1) << 17;

// Copies columns [0, cols) of rows [begin, end) in tiles of six columns, padded with zeros.
template <typename T>
inline void pack_tiles(Matrix<const T> A, std::int64_t begin, std::int64_t end, std::int64_t cols,
                       T *tiles) {
    const std::int64_t depth = end - begin;
    for (std::int64_t s = begin; s < end; ++s) {
        const T *row = A.row(s);
        T *tile = tiles + (s - begin) * tile_rows;
        for (std::int64_t p = 0; p < cols; p += tile_rows, tile += depth * tile_rows) {
            const std::int64_t used = std::min<std::int64_t>(tile_rows, cols - p);
            std::copy_n(row + p, used, tile);
            std::fill(tile + used, tile + tile_rows, T(0));
        }
    }
}

// Adds a tile's sums over one block to the panel's sums (rows x panel width, in double).
template <typename T>
inline void add_tile(const T *tile, std::int64_t rows, double *sums) {
    const std::int64_t cells = rows * panel_width<T>;
    for (std::int64_t at = 0; at < cells; ++at) sums[at] += static_cast<double>(tile[at]);
}

template <typename T>
void reduce_wide(Matrix<const T> A, Matrix<const T> B, bool symmetric, int n_threads, Matrix<T> C) {
    constexpr std::int64_t width = panel_width<T>;
    const std::int64_t panels = chunk_count(C.cols, width);
    const std::int64_t tiles = chunk_count(C.rows, tile_rows);
    const std::int64_t each = n_threads > 1 ? chunk_count(panels, 4 * n_threads) : panels;
    const auto threads = static_cast<std::size_t>(std::max(n_threads, 1));
    const std::int64_t tiled = tiles * tile_rows * reduction_block, own = width * reduction_block;
    std::vector<double> sums(static_cast<std::size_t>(panels * C.rows * width));
    std::vector<T> scratch(threads * static_cast<std::size_t>(tiled + own));
    parallel_for(panels, each, n_threads, [&](std::int64_t first, std::int64_t last, int thread) {
        T *packed = scratch.data() + thread * (tiled + own), *panel = packed + tiled;
        T out[tile_rows * width];
        const auto end_of = [&](std::int64_t q) {  // rows of C that panel q computes
            return symmetric ? std::min(C.rows, (q + 1) * width) : C.rows;
        };
        for (std::int64_t s = 0; s < A.rows; s += reduction_block) {
            const std::int64_t stop = std::min(A.rows, s + reduction_block), depth = stop - s;
            pack_tiles(A, s, stop, end_of(last - 1), packed);
            for (std::int64_t q = first; q < last; ++q) {
                pack_panel(B, s, stop, q * width, panel);
                double *sum = sums.data() + q * C.rows * width;
                for (std::int64_t p = 0; p < end_of(q); p += tile_rows) {
                    tile_product<T, tile_rows>(packed + p * depth, 1, tile_rows, panel, width,
                                               depth, out);
                    add_tile(out, std::min<std::int64_t>(tile_rows, C.rows - p), sum + p * width);
                }
            }
        }
    });
    for (std::int64_t p = 0; p < C.rows; ++p)
        for (std::int64_t q = 0; q < C.cols; ++q) {
            const std::int64_t row = symmetric ? std::min(p, q) : p;
            const std::int64_t col = symmetric ? std::max(p, q) : q;
            const std::int64_t at = (col / width * C.rows + row) * width + col % width;
            C.row(p)[q] = static_cast<T>(sums[static_cast<std::size_t>(at)]);
        }
}

}  // namespace nnae::detail
