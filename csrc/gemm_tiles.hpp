// Tiles: the innermost sums of dense products, and how their operands are laid side by side.
//
//   tile_product         out = a b      a: rows x depth, b: depth x panel, out: rows x panel
//   pack_panel           copies a panel of columns of B: a few vector registers wide
//   copy_columns         copies a few numbers without a call: the library's costs more than they do
//
// Strides of a are free, so that a may be rows or columns of a matrix; b is a packed panel. The
// sums of a tile of up to six rows stay in registers, added in the order of depth. Preconditions:
// out holds rows x panel_width<T>; a panel holds (end - begin) x panel_width<T>.
#pragma once

#include <algorithm>
#include <cstdint>

#include "simd.hpp"
#include "views.hpp"

namespace nnae {

namespace detail {

template <typename T>
constexpr int panel_width = tile_vectors * lanes<T>;

// acc[r][:] = sum_s a[r * row_step + s * depth_step] * b[s * b_step + :] for rows r of one tile.
template <typename T, int Rows>
inline void tile_product(const T *a, std::int64_t row_step, std::int64_t depth_step, const T *b,
                         std::int64_t b_step, std::int64_t depth, T *out) {
    Pack<T> acc[Rows][tile_vectors] = {};
    for (std::int64_t s = 0; s < depth; ++s) {
        Pack<T> line[tile_vectors];
        for (int v = 0; v < tile_vectors; ++v) line[v] = load(b + s * b_step + v * lanes<T>);
        for (int r = 0; r < Rows; ++r) {
            const Pack<T> x = broadcast(a[r * row_step + s * depth_step]);
            for (int v = 0; v < tile_vectors; ++v) acc[r][v] += x * line[v];
        }
    }
    for (int r = 0; r < Rows; ++r)
        for (int v = 0; v < tile_vectors; ++v)
            store(out + r * panel_width<T> + v * lanes<T>, acc[r][v]);
}

template <typename T>
inline void tile_product(int rows, const T *a, std::int64_t row_step, std::int64_t depth_step,
                         const T *b, std::int64_t b_step, std::int64_t depth, T *out) {
    switch (rows) {
        case 6:
            return tile_product<T, 6>(a, row_step, depth_step, b, b_step, depth, out);
        case 5:
            return tile_product<T, 5>(a, row_step, depth_step, b, b_step, depth, out);
        case 4:
            return tile_product<T, 4>(a, row_step, depth_step, b, b_step, depth, out);
        case 3:
            return tile_product<T, 3>(a, row_step, depth_step, b, b_step, depth, out);
        case 2:
            return tile_product<T, 2>(a, row_step, depth_step, b, b_step, depth, out);
        default:
            return tile_product<T, 1>(a, row_step, depth_step, b, b_step, depth, out);
    }
}

template <typename T>
inline void copy_columns(const T *from, std::int64_t n, T *to) {
    std::int64_t c = 0;
    for (; c + lanes<T> <= n; c += lanes<T>) store(to + c, load(from + c));
    if (c < n) std::copy(from + c, from + n, to + c);
}

// Copies columns [from, from + panel) of rows [begin, end) side by side, padded with zeros.
template <typename T>
inline void pack_panel(Matrix<const T> B, std::int64_t begin, std::int64_t end, std::int64_t from,
                       T *panel) {
    const std::int64_t width = std::min<std::int64_t>(panel_width<T>, B.cols - from);
    for (std::int64_t s = begin; s < end; ++s, panel += panel_width<T>) {
        copy_columns(B.row(s) + from, width, panel);
        if (width < panel_width<T>) std::fill(panel + width, panel + panel_width<T>, T(0));
    }
}

// A block of rows of both operands stays in L1 while their tiles meet; the sums of a chunk are few.
constexpr std::int64_t reduction_block = 128;
constexpr std::int64_t reduction_chunks = 32;

}  // namespace detail

}  // namespace nnae
