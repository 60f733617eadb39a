// The rows of one group of X as sweeps of dual coordinate descent see them.
//
//   take_all(X)                  every row, in place
//   take(X, rows, n, place)      n rows copied side by side, features renumbered by first sight
//
// columns[c] is the feature that column c stands for (empty: the same). place has X.cols entries
// of -1, before and after. Cost of a copy: the non-zeros of the group, no matter how many features
// X has; a sweep over the copy then stays within a stretch of memory as long as the group.
#pragma once

#include <cstdint>
#include <vector>

#include "views.hpp"

namespace nnae {

namespace detail {

template <typename T, typename I>
struct DualRows {
    const I *indices;
    const T *values;
    std::vector<std::int64_t> begins, ends;
    std::vector<I> own_indices;
    std::vector<T> own_values;
    std::vector<std::int64_t> columns;  // feature of each column, empty: the same

    void take_all(const Csr<T, I> &X) {
        indices = X.indices, values = X.values;
        begins.assign(X.indptr, X.indptr + X.rows);
        ends.assign(X.indptr + 1, X.indptr + X.rows + 1);
        columns.clear();
    }

    void take(const Csr<T, I> &X, const std::int64_t *rows, std::int64_t n, std::vector<I> &place) {
        own_indices.clear(), own_values.clear(), columns.clear(), begins.clear(), ends.clear();
        for (std::int64_t r = 0; r < n; ++r) {
            begins.push_back(static_cast<std::int64_t>(own_indices.size()));
            for (std::int64_t at = X.begin(rows[r]); at < X.end(rows[r]); ++at) {
                const std::int64_t feature = static_cast<std::int64_t>(X.indices[at]);
                if (place[feature] < 0) {
                    place[feature] = static_cast<I>(columns.size());
                    columns.push_back(feature);
                }
                own_indices.push_back(place[feature]);
                own_values.push_back(X.value(at));
            }
            ends.push_back(static_cast<std::int64_t>(own_indices.size()));
        }
        for (const std::int64_t feature : columns) place[feature] = -1;
        indices = own_indices.data(), values = own_values.data();
    }
};

}  // namespace detail

}  // namespace nnae
