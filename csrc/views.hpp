// Views of arrays that somebody else owns: the only place where array types are named.
//
//   Matrix<T>      n x k, row-major, rows contiguous
//   Csr<T, I>      n x m compressed sparse rows; indptr has n + 1 entries
//
// values == nullptr means that every stored entry is one, which is how 0/1 labels are kept.
// A matrix of labels is passed twice where both sides are updated: Y as rows and its transpose as
// rows. Factors are kept with one contiguous row per example (codes Z, n x k) and one per label
// (weights Wt, L x k), so that every update writes whole rows.
// Preconditions: 0 <= indices < cols, indptr non-decreasing from 0; the bindings check them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nnae {

template <typename T>
struct Matrix {
    T *data;
    std::int64_t rows, cols;
    T *row(std::int64_t i) const { return data + i * cols; }
};

template <typename T, typename I>
struct Csr {
    const I *indptr;
    const I *indices;
    const T *values;
    std::int64_t rows, cols;
    std::int64_t begin(std::int64_t i) const { return static_cast<std::int64_t>(indptr[i]); }
    std::int64_t end(std::int64_t i) const { return static_cast<std::int64_t>(indptr[i + 1]); }
    std::int64_t nnz() const { return rows ? end(rows - 1) : 0; }
    T value(std::int64_t at) const { return values ? values[at] : T(1); }
};

}  // namespace nnae
