// One vector register of the instruction set that this copy of the kernels is compiled for.
//
//   lanes<T>        how many T fit a register
//   Vector<T>       that many T, with + * and element-wise load and store
//   register_rows, register_columns   tile of accumulators that fits the register file
//   whole_vectors<T>(n)   n rounded up to whole registers
//   in_whole_vectors<T>(n)   n itself, of which the compiler may know that it is
//
// Compilers without vector extensions get one lane: slower, never wrong.
#pragma once

#include <cstdint>
#include <cstring>

namespace nnae {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
constexpr int tile_vectors = 4;
#elif defined(__AVX__)
constexpr int vector_bytes = 32;
constexpr int tile_vectors = 2;
#else
constexpr int vector_bytes = 16;
constexpr int tile_vectors = 2;
#endif
constexpr int tile_rows = 6;

#if defined(__GNUC__)
template <typename T>
struct Vector {
    typedef T type __attribute__((vector_size(vector_bytes)));
};
template <typename T>
constexpr int lanes = vector_bytes / static_cast<int>(sizeof(T));
template <typename T>
using Pack = typename Vector<T>::type;
template <typename T>
inline Pack<T> broadcast(T x) {
    return x - Pack<T>{};
}
#else
template <typename T>
constexpr int lanes = 1;
template <typename T>
using Pack = T;
template <typename T>
inline Pack<T> broadcast(T x) {
    return x;
}
#endif

template <typename T>
inline Pack<T> load(const T *from) {
    Pack<T> pack;
    std::memcpy(&pack, from, sizeof pack);
    return pack;
}

template <typename T>
inline void store(T *to, Pack<T> pack) {
    std::memcpy(to, &pack, sizeof pack);
}

template <typename T>
inline std::int64_t in_whole_vectors(std::int64_t n) {
    return n & -static_cast<std::int64_t>(lanes<T>);
}

template <typename T>
inline std::int64_t whole_vectors(std::int64_t n) {
    return in_whole_vectors<T>(n + lanes<T> - 1);
}

}  // namespace nnae
