// Counts how often labels occur together.
//
//   C = Y'Y        Y: n x L sparse, C: L x L sparse, rows sorted, diagonal = label frequencies
//
// Row j of C adds up the rows of Y that carry label j (Gustavson): a dense line of L counts and a
// list of touched labels per thread, no hash. Values multiply, so weighted labels work (a row of
// weight zero leaves no entry); null values count. cooccurrence_sizes gives the non-zeros of every
// row, cooccurrence_fill writes them, so that the caller allocates exactly. Counts in T are exact
// up to 2^24 (float) or 2^53 (double). Preconditions: Y and its transpose agree. Rows of Y may
// repeat no label. Guarantees: threads never change a bit. Cost: sum over rows of (labels in the
// row)^2, twice.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "parallel.hpp"
#include "views.hpp"

namespace nnae {

namespace detail {

template <typename T>
struct CountLine {
    std::vector<T> counts;
    std::vector<std::int64_t> touched;
};

template <typename T, typename I>
inline void count_row(Csr<T, I> Y, Csr<T, I> columns, std::int64_t j, CountLine<T> &line) {
    line.touched.clear();
    for (std::int64_t at = columns.begin(j); at < columns.end(j); ++at) {
        const std::int64_t i = static_cast<std::int64_t>(columns.indices[at]);
        const T weight = columns.value(at);
        if (weight == 0) continue;
        for (std::int64_t b = Y.begin(i); b < Y.end(i); ++b) {
            const std::int64_t label = static_cast<std::int64_t>(Y.indices[b]);
            if (line.counts[label] == 0) line.touched.push_back(label);
            line.counts[label] += weight * Y.value(b);
        }
    }
}

template <typename T>
std::vector<CountLine<T>> count_lines(std::int64_t n_labels, int n_threads) {
    std::vector<CountLine<T>> lines(static_cast<std::size_t>(std::max(n_threads, 1)));
    for (auto &line : lines) {
        line.counts.assign(static_cast<std::size_t>(n_labels), T(0));
        line.touched.reserve(static_cast<std::size_t>(n_labels));
    }
    return lines;
}

}  // namespace detail

template <typename T, typename I>
void cooccurrence_sizes(Csr<T, I> Y, Csr<T, I> columns, int n_threads, std::int64_t *sizes) {
    auto lines = detail::count_lines<T>(Y.cols, n_threads);
    parallel_for(Y.cols, 4, n_threads, [&](std::int64_t begin, std::int64_t end, int thread) {
        auto &line = lines[static_cast<std::size_t>(thread)];
        for (std::int64_t j = begin; j < end; ++j) {
            detail::count_row(Y, columns, j, line);
            sizes[j] = static_cast<std::int64_t>(line.touched.size());
            for (const std::int64_t label : line.touched) line.counts[label] = 0;
        }
    });
}

template <typename T, typename I>
void cooccurrence_fill(Csr<T, I> Y, Csr<T, I> columns, int n_threads, const std::int64_t *indptr,
                       std::int64_t *indices, T *values) {
    auto lines = detail::count_lines<T>(Y.cols, n_threads);
    parallel_for(Y.cols, 4, n_threads, [&](std::int64_t begin, std::int64_t end, int thread) {
        auto &line = lines[static_cast<std::size_t>(thread)];
        for (std::int64_t j = begin; j < end; ++j) {
            detail::count_row(Y, columns, j, line);
            std::sort(line.touched.begin(), line.touched.end());
            std::int64_t at = indptr[j];
            for (const std::int64_t label : line.touched) {
                indices[at] = label;
                values[at++] = line.counts[label];
                line.counts[label] = 0;
            }
        }
    });
}

}  // namespace nnae
