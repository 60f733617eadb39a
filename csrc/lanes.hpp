// Rows of a matrix turned into lanes of vector registers, and back.
//
//   group_rows<T>                       rows that are worked on at once: two registers full
//   rows_to_lanes(rows, n, k, step, out)   out[p * group_rows + r] = rows[r * step + p]
//   lanes_to_rows(in, n, k, step, rows)    the reverse, for the first n rows
//   any_lane(x)                         whether a lane of a group is not zero
//
// With one row a lane, what is sequential within a row (coordinate descent) runs for all rows of a
// group in step, without shuffles. Square blocks of one register are turned by exchanging halves,
// quarters, ... of pairs of registers. Lanes of rows beyond n are set to zero.
// Preconditions: n <= group_rows<T>; out holds k * group_rows<T>.
#pragma once

#include <cstdint>
#include <utility>

#include "simd.hpp"

namespace nnae {

constexpr int group_vectors = 2;
template <typename T>
constexpr int group_rows = group_vectors * lanes<T>;

namespace detail {

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define NNAE_SHUFFLES 1
#endif
#endif

#ifdef NNAE_SHUFFLES
template <typename T, int D, int... E>
inline void exchange(Pack<T> &a, Pack<T> &b, std::integer_sequence<int, E...>) {
    const Pack<T> low = __builtin_shufflevector(a, b, ((E & D) ? lanes<T> + E - D : E)...);
    b = __builtin_shufflevector(a, b, ((E & D) ? lanes<T> + E : E + D)...);
    a = low;
}

template <typename T, int D>
inline void exchange_all(Pack<T> *block) {
    if constexpr (D > 0) {
        for (int r = 0; r < lanes<T>; ++r)
            if (!(r & D))
                exchange<T, D>(block[r], block[r + D], std::make_integer_sequence<int, lanes<T>>());
        exchange_all<T, D / 2>(block);
    }
}

template <typename T>
inline void transpose_block(const T *from, std::int64_t step, T *to, std::int64_t to_step) {
    Pack<T> block[lanes<T>];
    for (int r = 0; r < lanes<T>; ++r) block[r] = load(from + r * step);
    exchange_all<T, lanes<T> / 2>(block);
    for (int r = 0; r < lanes<T>; ++r) store(to + r * to_step, block[r]);
}
#else
template <typename T>
inline void transpose_block(const T *from, std::int64_t step, T *to, std::int64_t to_step) {
    for (int r = 0; r < lanes<T>; ++r)
        for (int c = 0; c < lanes<T>; ++c) to[c * to_step + r] = from[r * step + c];
}
#endif

}  // namespace detail

template <typename T>
inline bool any_lane(const Pack<T> *x) {
#if defined(__GNUC__)
    typedef long long Bits __attribute__((vector_size(vector_bytes)));
    Bits all{};
    for (int v = 0; v < group_vectors; ++v) all |= reinterpret_cast<Bits>(x[v]);
    long long any = 0;
    for (int e = 0; e < vector_bytes / 8; ++e) any |= all[e];
    return any != 0;
#else
    return x[0] != 0 || x[1] != 0;
#endif
}

template <typename T>
inline void rows_to_lanes(const T *rows, std::int64_t n, std::int64_t k, std::int64_t step,
                          T *out) {
    constexpr int width = lanes<T>, group = group_rows<T>;
    const std::int64_t whole = n == group ? k / width * width : 0;
    for (std::int64_t p = 0; p < whole; p += width)
        for (int v = 0; v < group_vectors; ++v)
            detail::transpose_block(rows + v * width * step + p, step, out + p * group + v * width,
                                    group);
    for (std::int64_t p = whole; p < k; ++p) {
        for (std::int64_t r = 0; r < n; ++r) out[p * group + r] = rows[r * step + p];
        for (std::int64_t r = n; r < group; ++r) out[p * group + r] = T(0);
    }
}

template <typename T>
inline void lanes_to_rows(const T *in, std::int64_t n, std::int64_t k, std::int64_t step, T *rows) {
    constexpr int width = lanes<T>, group = group_rows<T>;
    const std::int64_t whole = n == group ? k / width * width : 0;
    for (std::int64_t p = 0; p < whole; p += width)
        for (int v = 0; v < group_vectors; ++v)
            detail::transpose_block(in + p * group + v * width, group, rows + v * width * step + p,
                                    step);
    for (std::int64_t p = whole; p < k; ++p)
        for (std::int64_t r = 0; r < n; ++r) rows[r * step + p] = in[p * group + r];
}

}  // namespace nnae
