// A copy of a dense matrix by all threads.
//
//   copy_rows            C = A            A, C: n x k, row-major
//
// What is kept of the codes to undo a sweep is as much as a sweep reads: on one thread beside two
// that descend it takes several per cent of their time. Chunks of a fixed number of rows; there is
// nothing to add, so the bits are those of A. Preconditions: equal shapes, no overlap. Empty
// matrices are fine. Cost: n k read and written.
#pragma once

#include <algorithm>
#include <cstdint>

#include "parallel.hpp"
#include "views.hpp"

namespace nnae {

template <typename T>
void copy_rows(Matrix<const T> A, int n_threads, Matrix<T> C) {
    parallel_for(A.rows, 256, n_threads, [&](std::int64_t begin, std::int64_t end, int) {
        std::copy(A.row(begin), A.row(end), C.row(begin));
    });
}

}  // namespace nnae
